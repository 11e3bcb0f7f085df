//! The QQ side of the simulator: one router that plays every qq.com host.

mod admit;
mod answer;
mod ask;
mod file;
mod getface;
#[cfg(test)]
mod hostile;
mod hosts;
mod line;
mod lists;
mod login2;
mod members;
mod multipart;
mod password;
mod picture;
mod poll2;
mod profile;
mod ptlogin;
mod render;
mod reply;
mod send;
mod temporary;
mod trouble;
mod upload;
mod whose;

use std::fmt::Debug;
use std::sync::Arc;

use axum::Router;
use axum::extract::connect_info::Connected;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use axum::serve::{IncomingStream, Listener};

use super::stage::Shared;
use crate::base::Shutdown;

pub(crate) use hosts::{PICTURES, host_of, is_qq};
pub(crate) use line::{Line, LineStream, Lines};
pub(crate) use whose::front;

/// Serves `router` on `listener` until shutdown.
pub(crate) fn serve<L>(listener: L, router: Router, shutdown: &Shutdown)
where
    L: Listener,
    L::Addr: Debug,
    Line: for<'a> Connected<IncomingStream<'a, L>>,
{
    let service = router.into_make_service_with_connect_info::<Line>();
    let asked = shutdown.clone();
    shutdown.spawn(async move {
        let serving = axum::serve(listener, service).with_graceful_shutdown(async move { asked.asked().await });
        if let Err(why) = serving.await {
            tracing::error!(%why, "the QQ side ended");
        }
    });
}

/// The protocol with one account: every path of every host.
fn router(shared: Arc<Shared>) -> Router {
    let endpoints = Router::new().merge(ptlogin_routes()).merge(list_routes()).merge(channel_routes());
    endpoints
        .fallback(reply::not_found)
        .layer(from_fn_with_state(shared.clone(), trouble::suffer))
        .layer(from_fn(hosts::only_its_own_paths))
        .with_state(shared)
}

fn ptlogin_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/", get(picture::by_rkey))
        .route("/proxy.html", get(ptlogin::blank_page))
        .route("/cfproxy.html", get(ptlogin::blank_page))
        .route("/cgi-bin/login", get(ptlogin::login_page))
        .route("/cgi-bin/xlogin", get(ptlogin::login_page))
        .route("/ptqrshow", get(ptlogin::ptqrshow))
        .route("/ptqrlogin", get(ptlogin::ptqrlogin))
        .route("/check_sig", get(ptlogin::check_sig))
        .route("/pt4_auth", get(ptlogin::pt4_auth))
        .route("/pingd", get(ptlogin::blank_page))
        .route("/check", get(password::check))
        .route("/getimage", get(password::getimage))
        .route("/login", get(password::login))
        .route("/web2/get_msg_tip", get(password::get_msg_tip))
}

fn list_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/api/getvfwebqq", get(login2::getvfwebqq))
        .route("/api/get_user_friends2", post(lists::get_user_friends2))
        .route(
            "/api/get_group_name_list_mask2",
            post(lists::get_group_name_list_mask2).get(lists::get_group_name_list_mask2),
        )
        .route("/api/get_group_info_ext2", get(members::get_group_info_ext2))
        .route("/api/allow_and_add2", post(answer::allow_and_add2))
        .route("/api/allow_added_request2", post(answer::allow_added_request2))
        .route("/api/deny_added_request2", post(answer::deny_added_request2))
        .route("/api/get_discus_list", get(lists::get_discus_list))
        .route("/api/get_self_info2", get(profile::get_self_info2))
        .route("/api/get_friend_info2", get(profile::get_friend_info2))
        .route("/api/get_stranger_info2", get(profile::get_stranger_info2))
        .route("/api/get_single_long_nick2", get(profile::get_single_long_nick2))
        .route("/api/get_qq_level2", get(profile::get_qq_level2))
        .route("/api/get_friend_uin2", get(profile::get_friend_uin2))
        .route("/{name}", get(picture::by_rkey))
        .route("/v2/{own}/{peer}/{lcid}/{*rest}", get(file::pass_on))
        .route("/ftn_access/upload_offline_file", post(file::upload_offline_file))
        .route("/ftn_access/upload_offline_pic", post(upload::upload_offline_pic))
        .route("/cgi-bin/cface_upload", post(upload::cface_upload))
        .route("/cgi-bin/get_group_pic", get(picture::get_group_pic))
        .route("/cgi/svr/face/getface", get(getface::getface))
        .route("/face/shared.png", get(getface::shared_picture))
        .route("/cgi-bin/{*rest}", get(reply::qun_closed).post(reply::qun_closed))
}

fn channel_routes() -> Router<Arc<Shared>> {
    Router::new()
        .route("/channel/login2", post(login2::login2))
        .route("/channel/get_online_buddies2", get(login2::get_online_buddies2))
        .route("/channel/change_status2", get(login2::change_status2))
        .route("/channel/logout2", get(login2::logout2))
        .route("/channel/get_discu_info", get(members::get_discu_info))
        .route("/channel/get_discu_list_new2", get(lists::get_discus_list))
        .route("/channel/op_group_join_req", get(answer::op_group_join_req))
        .route("/channel/get_c2cmsg_sig2", get(temporary::get_c2cmsg_sig2))
        .route("/channel/get_recent_list2", post(lists::get_recent_list2))
        .route("/channel/poll2", post(poll2::poll2))
        .route("/channel/get_file2", get(file::get_file2))
        .route("/channel/refuse_file2", get(file::refuse_file2))
        .route("/channel/notify_offfile2", get(file::notify_offfile2))
        .route("/channel/send_offfile2", post(file::send_offfile2))
        .route("/channel/get_gface_sig2", get(upload::get_gface_sig2))
        .route("/channel/get_offpic2", get(picture::get_offpic2))
        .route("/channel/get_cface2", get(picture::get_cface2))
        .route("/channel/get_image2", get(picture::get_cface2))
        .route("/channel/send_buddy_msg2", post(send::send_buddy_msg2))
        .route("/channel/send_qun_msg2", post(send::send_qun_msg2))
        .route("/channel/send_discu_msg2", post(send::send_discu_msg2))
        .route("/channel/send_sess_msg2", post(temporary::send_sess_msg2))
}
