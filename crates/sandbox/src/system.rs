//! What of the system every confined process sees, and what of it none does.

use std::path::{Path, PathBuf};

/// Folders of the system and of its package managers.
const FOLDERS: [&str; 20] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/sys",
    "/nix",
    "/gnu",
    "/snap",
    "/home/linuxbrew/.linuxbrew",
    "/var/lib/dpkg",
    "/var/lib/gems",
    "/var/cache/fontconfig",
    "/run/current-system",
    "/run/systemd/resolve",
    "/run/resolvconf",
];

/// Where the system keeps secrets beneath those.
const SECRETS: [&str; 22] = [
    "/etc/shadow",
    "/etc/shadow-",
    "/etc/gshadow",
    "/etc/gshadow-",
    "/etc/sudoers",
    "/etc/sudoers.d",
    "/etc/security/opasswd",
    "/etc/krb5.keytab",
    "/etc/ssl/private",
    "/etc/letsencrypt",
    "/etc/wireguard",
    "/etc/openvpn",
    "/etc/NetworkManager/system-connections",
    "/etc/kubernetes",
    "/etc/rancher",
    "/etc/docker",
    "/etc/containers",
    "/etc/boto.cfg",
    "/etc/ppp",
    "/etc/ipsec.secrets",
    "/etc/spectask",
    "/usr/local/etc/spectask",
];

/// Folders of toolchains in a home folder, and the settings of git that commits need.
const TOOLCHAINS: [&str; 46] = [
    ".asdf",
    ".bun",
    ".cargo",
    ".config/fnm",
    ".config/git/attributes",
    ".config/git/config",
    ".config/git/ignore",
    ".deno",
    ".dotnet",
    ".elan",
    ".fnm",
    ".gem",
    ".ghcup",
    ".gitconfig",
    ".goenv",
    ".jenv",
    ".juliaup",
    ".linuxbrew",
    ".local/bin",
    ".local/include",
    ".local/lib",
    ".local/opt",
    ".local/pipx",
    ".local/share/fnm",
    ".local/share/mise",
    ".local/share/pipx",
    ".local/share/pnpm",
    ".local/share/rtx",
    ".local/share/uv",
    ".local/share/virtualenv",
    ".local/share/virtualenvs",
    ".mise",
    ".nix-profile",
    ".npm-global",
    ".npm-packages",
    ".nvm",
    ".opam",
    ".pyenv",
    ".rbenv",
    ".rustup",
    ".sdkman",
    ".tool-versions",
    ".volta",
    "bin",
    "go/bin",
    "sdk",
];

/// Credentials that toolchains keep in their folders.
const CREDENTIALS: [&str; 8] = [
    ".cargo/credentials",
    ".cargo/credentials.toml",
    ".dotnet/corefx",
    ".gem/credentials",
    ".local/share/mise/secrets",
    ".local/share/uv/credentials",
    ".config/git/credentials",
    ".git-credentials",
];

/// Caches of package managers in a home folder: readable, and each tree writes into a layer of its own above them.
const CACHES: [&str; 14] = [
    ".cache/bazelisk",
    ".cache/deno",
    ".cache/go-build",
    ".cache/pip",
    ".cache/pypoetry",
    ".cache/uv",
    ".cache/yarn",
    ".cargo/git",
    ".cargo/registry",
    ".gradle/caches",
    ".m2/repository",
    ".npm/_cacache",
    ".yarn/berry/cache",
    "go/pkg/mod",
];

/// Returns the folders of the system that are there and are no links.
pub(crate) fn folders() -> impl Iterator<Item = PathBuf> {
    FOLDERS.iter().map(PathBuf::from).filter(|path| !path.is_symlink() && path.exists())
}

/// Returns the links that stand in the place of folders, such as `/bin`, with where they lead.
pub(crate) fn links() -> impl Iterator<Item = (PathBuf, PathBuf)> {
    FOLDERS.iter().map(PathBuf::from).filter_map(|path| {
        let target = std::fs::read_link(&path).ok()?;
        Some((path, target))
    })
}

pub(crate) fn secrets() -> impl Iterator<Item = PathBuf> {
    let mut found: Vec<PathBuf> = SECRETS.iter().map(PathBuf::from).collect();
    // The keys of the machine itself.
    let keys = std::fs::read_dir("/etc/ssh").into_iter().flatten().flatten().map(|entry| entry.path());
    found.extend(keys.filter(|path| path.to_string_lossy().ends_with("_key")));
    found.into_iter()
}

/// Returns the toolchains beneath a home folder.
pub fn toolchains(home: &Path) -> Vec<PathBuf> {
    TOOLCHAINS.iter().map(|name| home.join(name)).filter(|path| path.exists()).collect()
}

/// Returns where toolchains beneath a home folder keep credentials.
pub fn toolchain_credentials(home: &Path) -> Vec<PathBuf> {
    CREDENTIALS.iter().map(|name| home.join(name)).filter(|path| path.exists()).collect()
}

/// Returns the caches of package managers beneath a home folder, by their names in it.
pub fn package_caches(home: &Path) -> Vec<&'static str> {
    CACHES.into_iter().filter(|name| home.join(name).is_dir()).collect()
}

/// Returns the folders that have to be readable for a program to run: of its installation, not more than needed.
///
/// `kept_out` are folders that must not come into sight as a whole, such as a home folder.
pub fn installation_of(program: &Path, kept_out: &[&Path]) -> Vec<PathBuf> {
    let mut found = vec![program.to_owned()];
    let Ok(file) = program.canonicalize() else { return Vec::new() };
    let is_narrow = |folder: &Path| {
        folder.components().count() > 2 && !kept_out.iter().any(|path| path.starts_with(folder))
    };
    let mut folders: Vec<PathBuf> = Vec::new();
    for file in [program, &file] {
        // A package of npm runs with the packages beside it.
        let modules = file.ancestors().filter(|folder| folder.ends_with("node_modules")).last();
        let prefix = file.parent().filter(|folder| folder.ends_with("bin")).and_then(Path::parent);
        folders.extend(modules.or(prefix).map(Path::to_owned));
        folders.extend(file.parent().map(Path::to_owned));
    }
    found.push(file);
    found.extend(folders.into_iter().filter(|folder| is_narrow(folder)));
    found
}

/// Returns the folders of a `PATH`, each with the installation around it.
pub fn search_path(path: &std::ffi::OsStr, kept_out: &[&Path]) -> Vec<PathBuf> {
    let is_narrow = |folder: &Path| {
        folder.components().count() > 2 && !kept_out.iter().any(|path| path.starts_with(folder))
    };
    let mut found = Vec::new();
    for folder in std::env::split_paths(path).filter(|folder| folder.is_absolute()) {
        let is_in_home = kept_out.iter().any(|path| folder.starts_with(path));
        let prefix = folder.parent().filter(|_| folder.ends_with("bin") && !is_in_home);
        found.extend(prefix.filter(|prefix| is_narrow(prefix)).map(Path::to_owned));
        if !kept_out.contains(&folder.as_path()) {
            found.push(folder);
        }
    }
    found
}
