//! Warns when the dashboard is not there to be embedded. A debug build reads it from `web/dist` when it is asked for.

use std::path::Path;

fn main() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist/index.html");
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").is_ok_and(|profile| profile == "debug") {
        return;
    }
    println!("cargo::rerun-if-changed={}", page.display());
    if !page.exists() {
        println!("cargo::warning=the dashboard is not built, so the binary has none; run `make web` first");
    }
}
