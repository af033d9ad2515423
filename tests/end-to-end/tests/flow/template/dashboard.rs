//! What the dashboard draws: CloudWatch's metric lists, read as CloudWatch reads them.

use region::template::Stack;
use serde_json::Value;

/// A metric of the dashboard.
#[derive(Debug)]
pub(crate) struct Drawn {
    pub(crate) namespace: String,
    pub(crate) name: String,
    /// Names and values.
    pub(crate) dimensions: Vec<(String, String)>,
}

/// All metrics that the dashboard draws.
pub(crate) fn drawn(stack: &Stack) -> Vec<Drawn> {
    let body = stack.resources["Dashboard"].properties["DashboardBody"]
        .as_str()
        .expect("the dashboard has a body");
    let body: Value = serde_json::from_str(body).expect("the body is JSON");
    let widgets = body["widgets"].as_array().expect("widgets");
    widgets.iter().flat_map(of_widget).collect()
}

fn of_widget(widget: &Value) -> Vec<Drawn> {
    let lines = widget["properties"]["metrics"].as_array().expect("metrics");
    let mut previous: Vec<String> = Vec::new();
    let mut drawn = Vec::new();
    for line in lines {
        let words: Vec<&str> = (line.as_array().expect("a list").iter())
            .filter_map(Value::as_str)
            .collect();
        if words.is_empty() {
            continue; // An expression.
        }
        previous = written_out(&words, &previous);
        let dimensions = previous[2..].chunks(2);
        drawn.push(Drawn {
            namespace: previous[0].clone(),
            name: previous[1].clone(),
            dimensions: dimensions
                .map(|pair| (pair[0].clone(), pair[1].clone()))
                .collect(),
        });
    }
    drawn
}

/// `.` is the word at this place in the line before, a leading `...` all words that are not given
/// (CloudWatch API reference, dashboard body structure).
fn written_out(words: &[&str], previous: &[String]) -> Vec<String> {
    if let Some((&"...", given)) = words.split_first() {
        let kept = &previous[..previous.len() - given.len()];
        let given = given.iter().map(|&word| word.to_owned());
        return kept.iter().cloned().chain(given).collect();
    }
    words
        .iter()
        .enumerate()
        .map(|(place, &word)| match word {
            "." => previous[place].clone(),
            word => word.to_owned(),
        })
        .collect()
}
