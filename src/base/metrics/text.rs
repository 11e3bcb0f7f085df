//! The page that Prometheus reads.
//!
//! Source: Prometheus text exposition format 0.0.4.

use std::fmt::Write as _;
use std::time::Duration;

use super::{Family, Histogram, Kind};

/// The page so far.
#[derive(Debug, Default)]
pub struct Page(String);

/// A number on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// A number of things; what is lost may be less than none.
    Count(i64),
    /// A time, written in seconds.
    Time(Duration),
}

impl From<u64> for Sample {
    fn from(count: u64) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

impl From<bool> for Sample {
    fn from(yes: bool) -> Self {
        Self::Count(yes.into())
    }
}

impl From<Duration> for Sample {
    fn from(time: Duration) -> Self {
        Self::Time(time)
    }
}

impl Page {
    /// What kind of page it is, for whoever asked.
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";

    /// The samples of `family` follow.
    pub fn family(&mut self, family: &Family) {
        let kind = match family.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "# HELP {0} {1}\n# TYPE {0} {kind}", family.name, family.help);
    }

    /// One sample; `values` are those of the labels of `family`, in order.
    pub fn sample(&mut self, family: &Family, values: &[&str], sample: impl Into<Sample>) {
        let number = match sample.into() {
            Sample::Count(count) => count.to_string(),
            Sample::Time(time) => format!("{}.{:03}", time.as_secs(), time.subsec_millis()),
        };
        self.line(family.name, &labels(family, values), &number);
    }

    /// All samples of a histogram.
    pub(super) fn histogram(&mut self, family: &Family, values: &[&str], histogram: &Histogram) {
        let known = labels(family, values);
        let bucket = [family.name, "_bucket"].concat();
        let buckets = histogram.buckets();
        for (bound, count) in &buckets {
            let with_bound = [known.as_slice(), &[("le", bound.as_str())]].concat();
            self.line(&bucket, &with_bound, &count.to_string());
        }
        self.line(&[family.name, "_sum"].concat(), &known, &histogram.sum());
        let count = buckets.last().map_or(0, |(_, count)| *count);
        self.line(&[family.name, "_count"].concat(), &known, &count.to_string());
    }

    /// The page.
    #[must_use]
    pub fn finish(self) -> String {
        self.0
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], number: &str) {
        let labels: Vec<String> =
            labels.iter().map(|(label, value)| format!("{label}=\"{}\"", escape(value))).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        // Writing to a text cannot fail.
        let _ = writeln!(self.0, "{name}{labels} {number}");
    }
}

fn labels<'a>(family: &Family, values: &[&'a str]) -> Vec<(&'a str, &'a str)> {
    family.labels.iter().copied().zip(values.iter().copied()).collect()
}

fn escape(value: &str) -> String {
    value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::metrics::{COMMIT_ROWS, QUEUE_AGE, QUEUE_DEPTH};

    #[test]
    fn a_page_is_as_prometheus_reads_it() {
        let mut page = Page::default();
        page.family(&QUEUE_AGE);
        page.sample(&QUEUE_AGE, &["to_qq"], Duration::from_millis(1_050));
        page.sample(&QUEUE_DEPTH, &["to_qq", "a\"\\\nb"], Sample::Count(-3));
        let rows = Histogram::of_things();
        rows.observe(3);
        page.histogram(&COMMIT_ROWS, &[], &rows);
        let text = page.finish();
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("# HELP matrix_webqq_queue_oldest_age_seconds How long"));
        assert_eq!(lines[1], "# TYPE matrix_webqq_queue_oldest_age_seconds gauge");
        assert_eq!(lines[2], "matrix_webqq_queue_oldest_age_seconds{direction=\"to_qq\"} 1.050");
        assert_eq!(lines[3], r#"matrix_webqq_queue_depth{direction="to_qq",state="a\"\\\nb"} -3"#);
        assert_eq!(lines[5], "matrix_webqq_store_commit_rows_bucket{le=\"2\"} 0");
        assert_eq!(lines[6], "matrix_webqq_store_commit_rows_bucket{le=\"4\"} 1");
        let ends = &lines[lines.len() - 3..];
        assert_eq!(ends[0], "matrix_webqq_store_commit_rows_bucket{le=\"+Inf\"} 1");
        assert_eq!(ends[1..], ["matrix_webqq_store_commit_rows_sum 3", "matrix_webqq_store_commit_rows_count 1"]);
    }
}
