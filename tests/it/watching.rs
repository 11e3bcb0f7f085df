//! docs/metrics.md is made from what is counted, and the dashboard shows what there is.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use matrix_webqq::base::metrics::{FAMILIES, Family, Kind};
use serde_json::Value;

const INTRODUCTION: &str = "# Metrics

<!-- Made from src/base/metrics by tests/it/watching.rs; change that, then run the tests with UPDATE_DOCS=1. -->

`metrics.enabled: true` gives Prometheus `/metrics` on `appservice.port`, or on a port of its own (`metrics.listen`). It asks for
no password: let nobody reach it who must not. Nothing in it says whose messages they are: a login is a number, and no account, name
or text is there. Counters begin at 0 when the process starts; `ledger` is read from the database and does not.

    scrape_configs:
      - job_name: matrix-webqq
        static_configs: [{targets: ['127.0.0.1:29356']}]

[grafana.json](grafana.json) is a dashboard of all of them (Grafana: Dashboards, New, Import).

Worth an alarm: `matrix_webqq_ledger{state=\"lost\"} != 0`, `matrix_webqq_login_last_poll_age_seconds > 180`,
`matrix_webqq_queue_oldest_age_seconds > 900`, `matrix_webqq_logins{state=\"lost\"} > 0` (somebody has to scan a QR code), and
that the bridge is not there at all (`up == 0`).

| name | kind | labels | what it says |
| --- | --- | --- | --- |
";

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn row(text: &mut String, family: &Family) {
    let kind = match family.kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
    };
    let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
    writeln!(text, "| `{}` | {kind} | {} | {} |", family.name, labels.join(" "), family.help).unwrap();
}

#[test]
fn docs_metrics_is_made_from_what_is_counted() {
    let mut wanted = INTRODUCTION.to_owned();
    for family in FAMILIES {
        row(&mut wanted, family);
    }
    let path = docs().join("metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &wanted).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(found == wanted, "docs/metrics.md is out of date: run the tests once with UPDATE_DOCS=1");
}

/// Every word of `text` that begins as our metrics do, without what Prometheus adds to histograms.
fn named(text: &str) -> BTreeSet<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect::<String>();
    let names = text.split("matrix_webqq_").skip(1).map(|rest| format!("matrix_webqq_{}", word(rest)));
    let is_histogram = |name: &str| FAMILIES.iter().any(|family| family.name == name && family.kind == Kind::Histogram);
    let whole = |name: String| {
        let ends = ["_bucket", "_sum", "_count"].into_iter().filter_map(|end| name.strip_suffix(end));
        ends.filter(|family| is_histogram(family)).map(str::to_owned).next().unwrap_or(name)
    };
    names.map(whole).collect()
}

#[test]
fn the_dashboard_shows_all_that_is_counted_and_nothing_else() {
    let text = fs::read_to_string(docs().join("grafana.json")).unwrap();
    let dashboard: Value = serde_json::from_str(&text).unwrap();
    let mut expressions = String::new();
    for panel in dashboard["panels"].as_array().unwrap() {
        assert!(panel["title"].is_string() && panel["gridPos"]["w"].is_u64(), "{panel}");
        for target in panel["targets"].as_array().into_iter().flatten() {
            expressions.push_str(target["expr"].as_str().unwrap());
            expressions.push('\n');
        }
    }
    let known: BTreeSet<String> = FAMILIES.iter().map(|family| family.name.to_owned()).collect();
    assert_eq!(named(&expressions), known);
    let labels: BTreeSet<&str> = FAMILIES.iter().flat_map(|family| family.labels.iter().copied()).collect();
    for by in expressions.split("by (").skip(1) {
        let names = by.split(')').next().unwrap().split(',').map(str::trim);
        for name in names {
            assert!(name == "le" || labels.contains(name), "{name}");
        }
    }
}
