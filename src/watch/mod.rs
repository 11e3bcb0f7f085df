//! What whoever runs the bridge looks at: `/health` and `/metrics`, which name no account and hold no text, and the status
//! page, which is for whoever knows its secret.

mod health;
mod metrics;
mod page;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};
use axum::routing::get;

use crate::base::metrics::Page;
use crate::bridge::Bridge;
use health::Doctor;

pub use health::{Reason, reasons};

/// What is shown beside the application-service API; `/metrics` is among it unless it has a port of its own.
pub fn router(bridge: &Arc<Bridge>) -> Router {
    let config = &bridge.config;
    let doctor = Arc::new(Doctor::new(Arc::clone(bridge)));
    let mut router = health_router(Arc::clone(&doctor));
    if config.metrics.enabled && config.metrics.listen.is_empty() {
        router = router.merge(metrics_router(bridge));
    }
    if config.status_page.enabled { router.merge(page::router(bridge, doctor)) } else { router }
}

/// What is shown on the port that `metrics.listen` names.
pub fn own_router(bridge: &Arc<Bridge>) -> Router {
    health_router(Arc::new(Doctor::new(Arc::clone(bridge)))).merge(metrics_router(bridge))
}

fn health_router(doctor: Arc<Doctor>) -> Router {
    Router::new().route("/health", get(show_health)).with_state(doctor)
}

fn metrics_router(bridge: &Arc<Bridge>) -> Router {
    Router::new().route("/metrics", get(show_metrics)).with_state(Arc::clone(bridge))
}

/// `GET /health`
async fn show_health(State(doctor): State<Arc<Doctor>>) -> Response {
    let health = doctor.look().await;
    let status = if health.reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, [(CACHE_CONTROL, "no-store")], axum::Json(health.to_json())).into_response()
}

/// `GET /metrics`
async fn show_metrics(State(bridge): State<Arc<Bridge>>) -> Response {
    match metrics::page(&bridge).await {
        Ok(page) => ([(CONTENT_TYPE, Page::CONTENT_TYPE), (CACHE_CONTROL, "no-store")], page).into_response(),
        Err(error) => {
            tracing::warn!(%error, "there are no metrics now");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}
