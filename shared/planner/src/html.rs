//! The plan as a page of its own: picture, table, verdict.

use crate::plan::Plan;
use crate::words::{self, HEADINGS};
use std::fmt::Write;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:1500px;margin:2em auto;padding:0 1em}\
svg{max-width:100%;height:auto}table{border-collapse:collapse;margin:1em 0}\
td,th{padding:.25em .8em;border-bottom:1px solid #ddd;text-align:right;font-weight:normal}\
th{color:#555}td:first-child,th:first-child{text-align:left}tr.asked td{font-weight:bold}";

/// The page; `name` is what was read, `svg` the picture.
pub fn html(plan: &Plan, name: &str, svg: &str) -> String {
    let title = escape(&format!("Plan of {name}"));
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<title>{title}</title>\n\
         <style>{STYLE}</style>\n<h1>{title}</h1>\n"
    );
    for line in words::read(&plan.input) {
        _ = writeln!(page, "<p>{}</p>", escape(&line));
    }
    _ = writeln!(page, "{svg}");
    for paragraph in words::conclusions(plan) {
        _ = writeln!(page, "<p>{}</p>", escape(&paragraph));
    }
    page.push_str("<table>\n<tr>");
    for heading in HEADINGS {
        _ = write!(page, "<th>{}</th>", escape(heading.join(" ").trim_end()));
    }
    page.push_str("</tr>\n");
    for row in &plan.rows {
        let class = if words::is_asked(row, plan) {
            " class=\"asked\""
        } else {
            ""
        };
        _ = write!(page, "<tr{class}>");
        for cell in words::cells(row) {
            _ = write!(page, "<td>{}</td>", escape(&cell));
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</table>\n</html>\n");
    page
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_markup() {
        assert_eq!(escape("<a & \"b\">"), "&lt;a &amp; &quot;b&quot;&gt;");
    }
}
