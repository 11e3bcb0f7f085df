//! The two journeys: receive, open, translate, deliver.
