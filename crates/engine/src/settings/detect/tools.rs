//! Tools that need no more than a look at which files there are.

use super::detection::Stack;
use super::listing::Place;

type Detector = fn(Place<'_>) -> Option<Stack>;

/// The detectors of stacks, in the order in which stacks are named.
pub(super) const DETECTORS: [Detector; 15] = [
    cargo,
    super::node::node,
    deno,
    super::python::python,
    go,
    maven,
    gradle,
    sbt,
    dotnet,
    ruby,
    php,
    elixir,
    dart,
    swift,
    super::runner::runner,
];

/// Returns a stack with one setup and test command.
pub(super) fn stack(place: Place<'_>, tool: &str, language: &str, found_by: &str) -> Stack {
    Stack {
        folder: place.folder.to_owned(),
        tool: tool.to_owned(),
        language: language.to_owned(),
        found_by: found_by.to_owned(),
        setup: None,
        test: None,
        checks: Vec::new(),
    }
}

fn cargo(place: Place<'_>) -> Option<Stack> {
    let manifest = place.has("Cargo.toml").then(|| place.text("Cargo.toml"))?;
    let whole = if manifest.contains("[workspace") { " --workspace" } else { "" };
    let mut checks = Vec::new();
    if place.first_of(&["rustfmt.toml", ".rustfmt.toml"]).is_some() {
        checks.push("cargo fmt --all --check".to_owned());
    }
    let lints = manifest.contains("[lints") || manifest.contains("[workspace.lints");
    if lints || place.first_of(&["clippy.toml", ".clippy.toml"]).is_some() {
        checks.push(format!("cargo clippy{whole} --all-targets -- -D warnings"));
    }
    let test = Some(format!("cargo test{whole}"));
    Some(Stack { test, checks, ..stack(place, "cargo", "Rust", "Cargo.toml") })
}

fn deno(place: Place<'_>) -> Option<Stack> {
    let file = place.first_of(&["deno.json", "deno.jsonc"])?;
    let has_task = place.text(file).contains("\"test\"");
    let test = if has_task { "deno task test" } else { "deno test" };
    let test = Some(test.to_owned());
    Some(Stack { test, checks: vec!["deno lint".to_owned()], ..stack(place, "deno", "TypeScript", file) })
}

fn go(place: Place<'_>) -> Option<Stack> {
    place.has("go.mod").then(|| Stack {
        setup: Some("go mod download".to_owned()),
        test: Some("go test ./...".to_owned()),
        checks: vec!["go vet ./...".to_owned()],
        ..stack(place, "go", "Go", "go.mod")
    })
}

fn maven(place: Place<'_>) -> Option<Stack> {
    let command = if place.has("mvnw") { "./mvnw" } else { "mvn" };
    place.has("pom.xml").then(|| Stack {
        test: Some(format!("{command} --batch-mode test")),
        ..stack(place, "maven", "Java", "pom.xml")
    })
}

fn gradle(place: Place<'_>) -> Option<Stack> {
    let file =
        place.first_of(&["settings.gradle.kts", "settings.gradle", "build.gradle.kts", "build.gradle"])?;
    let command = if place.has("gradlew") { "./gradlew" } else { "gradle" };
    let is_kotlin =
        ["build.gradle", "build.gradle.kts"].iter().any(|file| place.text(file).contains("kotlin"));
    let test = Some(format!("{command} --no-daemon test"));
    Some(Stack { test, ..stack(place, "gradle", if is_kotlin { "Kotlin" } else { "Java" }, file) })
}

fn sbt(place: Place<'_>) -> Option<Stack> {
    let found = place.has("build.sbt");
    found.then(|| Stack { test: Some("sbt test".to_owned()), ..stack(place, "sbt", "Scala", "build.sbt") })
}

fn dotnet(place: Place<'_>) -> Option<Stack> {
    let is_project = |name: &&str| {
        let ending = name.rsplit_once('.').map_or("", |(_, ending)| ending);
        ["sln", "slnx", "csproj", "fsproj"].contains(&ending)
    };
    let file = place.names().find(is_project)?;
    let language = if file.ends_with("fsproj") { "F#" } else { "C#" };
    let (setup, test) = (Some("dotnet restore".to_owned()), Some("dotnet test".to_owned()));
    Some(Stack { setup, test, ..stack(place, "dotnet", language, file) })
}

fn ruby(place: Place<'_>) -> Option<Stack> {
    let gems = place.has("Gemfile").then(|| place.text("Gemfile"))?;
    let in_folder = |folder: &'static str| place.any(move |path| path.starts_with(folder));
    let test = if place.has(".rspec") || (gems.contains("rspec") && in_folder("spec/")) {
        Some("bundle exec rspec".to_owned())
    } else if place.has("bin/rails") && in_folder("test/") {
        Some("bin/rails test".to_owned())
    } else if place.text("Rakefile").to_lowercase().contains("test") {
        Some("bundle exec rake test".to_owned())
    } else {
        None
    };
    let has_linter = place.has(".rubocop.yml") && gems.contains("rubocop");
    let checks = if has_linter { vec!["bundle exec rubocop".to_owned()] } else { Vec::new() };
    Some(Stack {
        setup: Some("bundle install".to_owned()),
        test,
        checks,
        ..stack(place, "bundler", "Ruby", "Gemfile")
    })
}

fn php(place: Place<'_>) -> Option<Stack> {
    let manifest = place.has("composer.json").then(|| place.text("composer.json"))?;
    let manifest: serde_json::Value = serde_json::from_str(manifest).unwrap_or_default();
    let test = if manifest["scripts"]["test"].is_null() {
        place.first_of(&["phpunit.xml", "phpunit.xml.dist"]).map(|_| "vendor/bin/phpunit".to_owned())
    } else {
        Some("composer test".to_owned())
    };
    let has_analysis = place.first_of(&["phpstan.neon", "phpstan.neon.dist"]).is_some();
    let checks = if has_analysis { vec!["vendor/bin/phpstan analyse".to_owned()] } else { Vec::new() };
    let setup = Some("composer install --no-interaction".to_owned());
    Some(Stack { setup, test, checks, ..stack(place, "composer", "PHP", "composer.json") })
}

fn elixir(place: Place<'_>) -> Option<Stack> {
    place.has("mix.exs").then(|| Stack {
        setup: Some("mix deps.get".to_owned()),
        test: Some("mix test".to_owned()),
        checks: if place.has(".formatter.exs") {
            vec!["mix format --check-formatted".to_owned()]
        } else {
            Vec::new()
        },
        ..stack(place, "mix", "Elixir", "mix.exs")
    })
}

fn dart(place: Place<'_>) -> Option<Stack> {
    let manifest = place.has("pubspec.yaml").then(|| place.text("pubspec.yaml"))?;
    let tool = if manifest.contains("flutter:") { "flutter" } else { "dart" };
    Some(Stack {
        setup: Some(format!("{tool} pub get")),
        test: Some(format!("{tool} test")),
        checks: vec![format!("{tool} analyze")],
        ..stack(place, tool, "Dart", "pubspec.yaml")
    })
}

fn swift(place: Place<'_>) -> Option<Stack> {
    let found = place.has("Package.swift");
    found.then(|| Stack {
        test: Some("swift test".to_owned()),
        ..stack(place, "swift", "Swift", "Package.swift")
    })
}
