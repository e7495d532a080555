//! Work sessions, their threads and messages, what agents ask, and the tools of agents.

pub(crate) mod agent_options;
pub(crate) mod coordination;
pub(crate) mod crew;
pub(crate) mod crew_tools;
pub(crate) mod editors;
pub(crate) mod history;
pub(crate) mod messages;
pub(crate) mod permission_grants;
pub(crate) mod permissions;
pub(crate) mod plain;
pub(crate) mod questions;
pub(crate) mod session;
pub(crate) mod session_diff;
pub(crate) mod terminal;
pub(crate) mod threads;
pub(crate) mod zed;

use engine::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Returns the routes of this folder.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(plain::list, plain::create))
        .routes(routes!(plain::read, plain::edit, plain::remove))
        .routes(routes!(plain::set_status))
        .routes(routes!(plain::sessions, plain::add_session))
        .routes(routes!(session::of_task))
        .routes(routes!(session::read))
        .routes(routes!(session::set_status))
        .routes(routes!(agent_options::set))
        .routes(routes!(messages::say))
        .routes(routes!(messages::edit, messages::withdraw))
        .routes(routes!(crew::spawn))
        .routes(routes!(crew::spawn_of_task))
        .routes(routes!(crew::branch))
        .routes(routes!(crew::choose))
        .routes(routes!(coordination::add))
        .routes(routes!(coordination::log))
        .routes(routes!(editors::list))
        .routes(routes!(editors::open))
        .routes(routes!(editors::hand_off))
        .routes(routes!(session::stop_turn))
        .routes(routes!(session::cancel))
        .routes(routes!(session::retry))
        .routes(routes!(session::skip))
        .routes(routes!(session::events))
        .routes(routes!(session_diff::read))
        .routes(routes!(terminal::open))
        .routes(routes!(history::read))
        .routes(routes!(history::record))
        .routes(routes!(history::commit_progress))
        .routes(routes!(session::helix))
        .routes(routes!(session::messages))
        .routes(routes!(zed::instance, zed::stop))
        .routes(routes!(zed::pause))
        .routes(routes!(zed::resume))
        .routes(routes!(zed::threads))
        .routes(routes!(zed::thread, threads::open, threads::change, threads::close))
        .routes(routes!(threads::create_session))
        .routes(routes!(threads::event))
        .routes(routes!(crew_tools::task::read))
        .routes(routes!(crew_tools::sessions::list, crew_tools::sessions::spawn))
        .routes(routes!(crew_tools::changes::read))
        .routes(routes!(crew_tools::messages::send))
        .routes(routes!(crew_tools::messages::read))
        .routes(routes!(crew_tools::requests::ask))
        .routes(routes!(crew_tools::requests::wait))
        .routes(routes!(crew_tools::evidence::report))
        .routes(routes!(questions::list))
        .routes(routes!(questions::answer))
        .routes(routes!(permissions::list))
        .routes(routes!(permissions::answer))
        .routes(routes!(permission_grants::list))
        .routes(routes!(permission_grants::revoke))
}
