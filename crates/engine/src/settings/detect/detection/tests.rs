use super::*;

/// A manifest with scripts that check, and one that does not end.
const SCRIPTS: &str = r#"{"scripts":{"test":"vitest run","lint":"biome check","build":"vite build","dev":"vite"},"devDependencies":{"typescript":"5"}}"#;

type Files = &'static [(&'static str, &'static str)];

fn found(files: &[(&str, &str)]) -> Detection {
    let mut listing = Listing::new(files.iter().map(|(path, _)| (*path).to_owned()));
    for path in listing.manifests() {
        let text = files.iter().find(|(name, _)| *name == path).map_or("", |(_, text)| text);
        listing.add(&path, text);
    }
    detect(&listing)
}

#[test]
fn layouts_have_their_setup_tests_and_checks() {
    let cases: &[(&str, Files, &str, &str, &[&str])] = &[
        ("cargo", &[("Cargo.toml", "[package]\nname = \"a\"\n")], "", "cargo test", &["cargo test"]),
        (
            "cargo workspace",
            &[
                ("Cargo.toml", "[workspace]\n[workspace.lints.rust]\n"),
                ("crates/a/Cargo.toml", "[package]"),
                ("rustfmt.toml", ""),
            ],
            "",
            "cargo test --workspace",
            &[
                "cargo test --workspace",
                "cargo fmt --all --check",
                "cargo clippy --workspace --all-targets -- -D warnings",
            ],
        ),
        (
            "npm",
            &[("package.json", SCRIPTS), ("package-lock.json", "")],
            "npm ci",
            "npm test",
            &["npm test", "npm run lint", "npm run build"],
        ),
        (
            "pnpm",
            &[("package.json", SCRIPTS), ("pnpm-lock.yaml", "")],
            "pnpm install --frozen-lockfile",
            "pnpm test",
            &["pnpm test", "pnpm run lint", "pnpm run build"],
        ),
        (
            "yarn",
            &[("package.json", SCRIPTS), ("yarn.lock", "")],
            "yarn install --frozen-lockfile",
            "yarn test",
            &["yarn test", "yarn run lint", "yarn run build"],
        ),
        (
            "yarn berry",
            &[("package.json", "{}"), ("yarn.lock", ""), (".yarnrc.yml", "")],
            "yarn install --immutable",
            "",
            &[],
        ),
        (
            "bun",
            &[("package.json", SCRIPTS), ("bun.lock", "")],
            "bun install --frozen-lockfile",
            "bun run test",
            &["bun run test", "bun run lint", "bun run build"],
        ),
        (
            "npm without a lock file",
            &[("package.json", r#"{"dependencies":{"a":"1"}}"#)],
            "npm install",
            "",
            &[],
        ),
        (
            "npm without packages",
            &[("package.json", r#"{"scripts":{"test":"node --test"}}"#)],
            "",
            "npm test",
            &["npm test"],
        ),
        (
            "npm's placeholder",
            &[("package.json", r#"{"scripts":{"test":"echo \"Error: no test specified\" && exit 1"}}"#)],
            "",
            "",
            &[],
        ),
        (
            "a script that never ends",
            &[("package.json", r#"{"scripts":{"test":"jest --watch"}}"#)],
            "",
            "",
            &[],
        ),
        (
            "packageManager",
            &[("package.json", r#"{"packageManager":"pnpm@9","dependencies":{"a":"1"}}"#)],
            "pnpm install",
            "",
            &[],
        ),
        ("a broken manifest", &[("package.json", "{"), ("package-lock.json", "")], "npm ci", "", &[]),
        ("deno", &[("deno.json", "{}")], "", "deno test", &["deno test", "deno lint"]),
        (
            "uv",
            &[
                ("pyproject.toml", "[project]\n[dependency-groups]\ndev = [\"pytest\", \"ruff\"]"),
                ("uv.lock", ""),
            ],
            "uv sync --frozen",
            "uv run pytest",
            &["uv run pytest", "uv run ruff check ."],
        ),
        (
            "poetry",
            &[("pyproject.toml", "[tool.poetry]\npytest = \"8\""), ("poetry.lock", "")],
            "poetry install --no-interaction",
            "poetry run pytest",
            &["poetry run pytest"],
        ),
        (
            "pip",
            &[("requirements.txt", "flask\npytest\n"), ("app.py", "")],
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            ".venv/bin/python -m pytest",
            &[".venv/bin/python -m pytest"],
        ),
        (
            "unittest",
            &[("pyproject.toml", "[project]\nname = \"a\""), ("tests/test_a.py", "")],
            "python3 -m venv .venv && .venv/bin/pip install -e .",
            ".venv/bin/python -m unittest discover",
            &[".venv/bin/python -m unittest discover"],
        ),
        (
            "django",
            &[("requirements.txt", "django"), ("manage.py", "")],
            "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt",
            ".venv/bin/python manage.py test",
            &[".venv/bin/python manage.py test"],
        ),
        (
            "go",
            &[("go.mod", "module a"), ("a.go", "")],
            "go mod download",
            "go test ./...",
            &["go test ./...", "go vet ./..."],
        ),
        (
            "maven",
            &[("pom.xml", ""), ("mvnw", ""), ("core/pom.xml", "")],
            "",
            "./mvnw --batch-mode test",
            &["./mvnw --batch-mode test"],
        ),
        (
            "gradle",
            &[("settings.gradle.kts", ""), ("build.gradle.kts", "kotlin(\"jvm\")"), ("gradlew", "")],
            "",
            "./gradlew --no-daemon test",
            &["./gradlew --no-daemon test"],
        ),
        (
            "make alone",
            &[("Makefile", "CC := cc\ntest: all\n\t./run\nlint:\n\tx\n"), ("a.c", "")],
            "",
            "make test",
            &["make test", "make lint"],
        ),
        ("just", &[("justfile", "test:\n  ./run\n")], "", "just test", &["just test"]),
        ("a makefile without targets for it", &[("Makefile", "test := 1\nall:\n\ttest: x\n")], "", "", &[]),
        (
            ".NET",
            &[("App.sln", ""), ("App/App.csproj", "")],
            "dotnet restore",
            "dotnet test",
            &["dotnet test"],
        ),
        (
            "rspec",
            &[("Gemfile", "gem 'rspec'\ngem 'rubocop'"), ("spec/a_spec.rb", ""), (".rubocop.yml", "")],
            "bundle install",
            "bundle exec rspec",
            &["bundle exec rspec", "bundle exec rubocop"],
        ),
        (
            "rails",
            &[("Gemfile", "gem 'rails'"), ("bin/rails", ""), ("test/a_test.rb", "")],
            "bundle install",
            "bin/rails test",
            &["bin/rails test"],
        ),
        (
            "php",
            &[("composer.json", r#"{"scripts":{"test":"phpunit"}}"#)],
            "composer install --no-interaction",
            "composer test",
            &["composer test"],
        ),
        (
            "phpunit",
            &[("composer.json", "{}"), ("phpunit.xml.dist", "")],
            "composer install --no-interaction",
            "vendor/bin/phpunit",
            &["vendor/bin/phpunit"],
        ),
        (
            "elixir",
            &[("mix.exs", ""), (".formatter.exs", "")],
            "mix deps.get",
            "mix test",
            &["mix test", "mix format --check-formatted"],
        ),
        ("dart", &[("pubspec.yaml", "name: a")], "dart pub get", "dart test", &["dart test", "dart analyze"]),
        ("swift", &[("Package.swift", "")], "", "swift test", &["swift test"]),
        ("sbt", &[("build.sbt", "")], "", "sbt test", &["sbt test"]),
        ("nothing", &[("README.md", "")], "", "", &[]),
        (
            "a server with a page",
            &[
                ("Cargo.toml", "[package]"),
                ("web/package.json", r#"{"scripts":{"test":"vitest run"}}"#),
                ("web/package-lock.json", ""),
            ],
            "(cd web && npm ci)",
            "cargo test && (cd web && npm test)",
            &["cargo test", "(cd web && npm test)"],
        ),
        (
            "several languages with a makefile",
            &[
                ("Makefile", "test:\n\tx\n"),
                ("api/go.mod", ""),
                ("web/package.json", r#"{"scripts":{"test":"x","lint":"y"}}"#),
                ("web/package-lock.json", ""),
            ],
            "(cd api && go mod download) && (cd web && npm ci)",
            "make test",
            &["make test", "(cd api && go vet ./...)", "(cd web && npm run lint)"],
        ),
        (
            "one language with a makefile",
            &[("Makefile", "test:\n\tx\n"), ("go.mod", "")],
            "go mod download",
            "go test ./...",
            &["go test ./...", "go vet ./..."],
        ),
        (
            "npm workspaces",
            &[
                ("package.json", r#"{"workspaces":["packages/*"],"scripts":{"test":"x"}}"#),
                ("package-lock.json", ""),
                ("packages/a/package.json", r#"{"scripts":{"test":"x"}}"#),
            ],
            "npm ci",
            "npm test",
            &["npm test"],
        ),
        (
            "packages of others",
            &[
                ("go.mod", ""),
                ("vendor/a/package.json", "{}"),
                ("node_modules/a/package.json", "{}"),
                ("testdata/x/Cargo.toml", ""),
            ],
            "go mod download",
            "go test ./...",
            &["go test ./...", "go vet ./..."],
        ),
    ];
    for (name, files, setup, test, checks) in cases {
        let found = found(files);
        assert_eq!(found.setup_command.as_deref().unwrap_or_default(), *setup, "{name}");
        assert_eq!(found.test_command.as_deref().unwrap_or_default(), *test, "{name}");
        assert_eq!(found.checks, *checks, "{name}");
    }
}

#[test]
fn languages_are_named_once_and_in_order() {
    let files = [
        ("Cargo.toml", ""),
        ("web/package.json", "{}"),
        ("web/tsconfig.json", ""),
        ("a/go.mod", ""),
        ("b/go.mod", ""),
    ];
    assert_eq!(found(&files).languages, ["Rust", "Go", "TypeScript"]);
}

#[test]
fn manifests_that_do_not_parse_are_named() {
    let files = [
        ("package.json", "\u{feff}{\"scripts\":{\"test\":\"vitest run\"}}"),
        ("api/Cargo.toml", "[package\nname = \"a\"\n"),
        ("web/package.json", "{\n  \"scripts\": {\n<<<<<<< HEAD\n"),
        ("tool/package.json", "[]"),
        ("other/go.mod", "not a module"),
    ];
    let found = found(&files);
    assert_eq!(found.checks.first().map(String::as_str), Some("npm test"), "a byte order mark is no error");
    let named: Vec<_> =
        found.unreadable_manifests.iter().map(|one| (one.path.as_str(), one.error.as_str())).collect();
    let [(cargo, toml_error), (list, list_error), (conflict, json_error)] = named[..] else {
        panic!("{named:?}")
    };
    assert_eq!((cargo, list, conflict), ("api/Cargo.toml", "tool/package.json", "web/package.json"));
    assert!(toml_error.contains("line 1"), "{toml_error}");
    assert!(list_error.contains("expected a map"), "{list_error}");
    assert!(json_error.contains("line 3"), "{json_error}");
}

#[test]
fn names_of_folders_never_become_commands() {
    for folder in ["a; rm -rf ~", "$(id)", "a b", "-x", "a'b", "a\nb", "a`id`"] {
        let path = format!("{folder}/go.mod");
        assert_eq!(found(&[(path.as_str(), "")]), Detection::default(), "{folder}");
    }
}

#[test]
fn a_large_repository_is_read_soon() {
    let files = (0..200_000).map(|number| format!("d{}/e{}/f{number}.c", number % 700, number % 90));
    let begun = std::time::Instant::now();
    assert_eq!(detect(&Listing::new(files)), Detection::default());
    assert!(begun.elapsed().as_secs() < 10);
}
