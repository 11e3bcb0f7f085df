//! Every link between pages leads somewhere, and the site has every page.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::root;

/// The pages: those of the site, and those that stand at the top. Paths are relative to the top.
fn pages() -> BTreeMap<PathBuf, String> {
    let folders = ["", "docs", "docs/zh"].map(|folder| root().join(folder));
    let entries = folders.iter().flat_map(|folder| fs::read_dir(folder).unwrap()).map(|entry| entry.unwrap().path());
    let pages = entries.filter(|path| path.extension().is_some_and(|ending| ending == "md"));
    pages.map(|path| (path.strip_prefix(root()).unwrap().to_owned(), fs::read_to_string(&path).unwrap())).collect()
}

/// What is neither in a block of code nor in backticks.
fn without_code(page: &str) -> String {
    let outside = page.split("```").step_by(2).flat_map(str::lines).filter(|line| !line.starts_with("    "));
    outside.map(|line| line.split('`').step_by(2).collect::<String>() + "\n").collect()
}

/// Where the links of `page` lead.
fn links(page: &str) -> Vec<String> {
    let page = without_code(page);
    page.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0.to_owned())).collect()
}

/// The anchors of the headings of `page`, as GitHub and mdBook make them.
fn anchors(page: &str) -> BTreeSet<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let outside: Vec<&str> = page.split("```").step_by(2).flat_map(str::lines).collect();
    let headings = outside
        .iter()
        .filter_map(|line| line.trim_start_matches('#').strip_prefix(' ').filter(|_| line.starts_with('#')));
    let slugs = headings.map(|heading| {
        let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
        let slug: String = kept.map(|c| if c == ' ' { '-' } else { c }).collect::<String>().to_lowercase();
        let before = seen.entry(slug.clone()).or_default();
        *before += 1;
        if *before == 1 { slug } else { format!("{slug}-{}", *before - 1) }
    });
    slugs.collect()
}

/// `path` without `.` and `..`.
fn tidy(path: &Path) -> PathBuf {
    let mut tidied = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => assert!(tidied.pop(), "{} leads out of the project", path.display()),
            part => tidied.push(part),
        }
    }
    tidied
}

/// What is wrong with a link to `target` on `page`.
fn fault(page: &Path, target: &str, pages: &BTreeMap<PathBuf, String>) -> Option<&'static str> {
    if target == "#" || target.starts_with("https://") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.to_owned() } else { tidy(&page.parent().unwrap().join(file)) };
    if !root().join(&path).is_file() {
        return Some("leads nowhere");
    }
    if page.starts_with("docs") && !path.starts_with("docs") {
        return Some("leads out of the site");
    }
    let is_there = |anchor| pages.get(&path).is_some_and(|page| anchors(page).contains(anchor));
    (!anchor.is_none_or(is_there)).then_some("names no heading there")
}

#[test]
fn every_link_leads_to_a_page_or_heading_that_there_is() {
    let pages = pages();
    let links: Vec<_> =
        pages.iter().flat_map(|(page, text)| links(text).into_iter().map(move |link| (page, link))).collect();
    let faulty: Vec<_> = links
        .iter()
        .filter_map(|(page, link)| Some(format!("{}: {link} {}", page.display(), fault(page, link, &pages)?)))
        .collect();
    assert!(links.len() > 60, "{} links: not where this looks", links.len());
    assert!(faulty.is_empty(), "{faulty:#?}");
}

#[test]
fn the_site_has_every_page_once() {
    let pages = pages();
    let mut listed = links(&pages[Path::new("docs/SUMMARY.md")]);
    let mut there: Vec<String> = pages
        .keys()
        .filter_map(|path| path.strip_prefix("docs").ok())
        .map(|path| path.display().to_string())
        .filter(|path| path != "SUMMARY.md")
        .collect();
    listed.sort();
    there.sort();
    assert_eq!(listed, there);
}

#[test]
fn a_link_that_leads_nowhere_is_noticed() {
    let text = "# One\n## Two `words`, and\n## One\n```sh\n# no heading\n[no](link.md)\n```\n[a](b.md) `[no](c.md)` ![d](#one)";
    assert_eq!(links(text), ["b.md", "#one"]);
    assert_eq!(anchors(text).iter().collect::<Vec<_>>(), ["one", "one-1", "two-words-and"]);
    let page = PathBuf::from("docs/testing.md");
    let pages = BTreeMap::from([(page.clone(), text.to_owned())]);
    for good in ["#one", "testing.md#two-words-and", "zh/quick-start.md", "https://example.org", "#"] {
        assert_eq!(fault(&page, good, &pages), None, "{good}");
    }
    for bad in ["#three", "none.md", "../README.md", "testing.md#no-heading", ""] {
        assert_eq!(fault(&page, bad, &pages).is_some(), !bad.is_empty(), "{bad}");
    }
}
