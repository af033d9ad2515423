//! Claims from flags and files, checked by the functions' own code: what would be rejected as malformed is not sent.

use crate::cli::SendOptions;
use crate::failure::Failure;
use ready_pool_core::Timestamp;
use ready_pool_core::claim::{Claim, Malformed};
use serde_json::{Map, Value, json};
use std::path::Path;
use std::time::Duration;
use time::format_description::well_known::Rfc3339;
use time::macros::format_description;

/// For how long a claim may wait where nobody says.
const DEFAULT_EXPIRES_IN: Duration = Duration::from_mins(15);

/// The files that the options name, as they were read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Files<'f> {
    /// `--file`.
    pub(super) claim: Option<&'f str>,
    /// `--script`.
    pub(super) script: Option<&'f str>,
}

/// The claims to send.
#[derive(Debug)]
pub(super) struct Composed {
    /// All of them.
    pub(super) claims: Vec<Claim>,
    /// How long each may wait, where that counts from when it is sent.
    expires_in: Option<Duration>,
}

impl Composed {
    /// They are sent now, and not when they were composed: the checks between may have taken a while.
    pub(super) fn sent_at(&mut self, now: Timestamp) -> Result<(), Failure> {
        for claim in &mut self.claims {
            if let Some(time) = self.expires_in {
                claim.expires_at = deadline(now, time)?;
            }
            check_deadline(claim, now)?;
        }
        Ok(())
    }
}

/// Composes the claims that the options name.
pub(super) fn claims(
    options: &SendOptions,
    files: Files<'_>,
    now: Timestamp,
) -> Result<Composed, Failure> {
    let missing = match files.claim {
        None if options.target.is_none() => {
            Some("name the group that gets the instance with --target")
        }
        None if options.commands.is_empty() && files.script.is_none() => {
            Some("give the init script with --command or --script")
        }
        _ => None,
    };
    if let Some(missing) = missing {
        return Err(Failure::Usage(format!(
            "nothing was sent: {missing}, or the whole claim with --file"
        )));
    }
    let mut message = match files.claim {
        Some(text) => object(text, options, now)?,
        None => Map::new(),
    };
    let expires_in = match options.expires_in {
        None if message.contains_key("expires_at") => None,
        asked => Some(asked.unwrap_or(DEFAULT_EXPIRES_IN)),
    };
    if let Some(time) = expires_in {
        let deadline = deadline(now, time)?;
        let deadline = deadline.format(&Rfc3339).map_err(|_| unwritable())?;
        message.insert("expires_at".to_owned(), json!(deadline));
    }
    fill_in(&mut message, options, files.script, now)?;
    let id = message.get("claim_id").cloned().unwrap_or_default();
    let mut claims = Vec::new();
    for number in 1..=options.instances {
        if options.instances > 1 {
            let id = id.as_str().unwrap_or_default();
            message.insert("claim_id".to_owned(), json!(format!("{id}-{number}")));
        }
        let body = Value::Object(message.clone()).to_string();
        let claim = Claim::parse(&body, now).map_err(|problem| Failure::InvalidClaim {
            place: place_of(&problem, options),
            problem,
        })?;
        check_deadline(&claim, now)?;
        claims.push(claim);
    }
    Ok(Composed { claims, expires_in })
}

fn check_deadline(claim: &Claim, now: Timestamp) -> Result<(), Failure> {
    if claim.is_expired(now) {
        return Err(Failure::Usage(
            "nothing was sent: its expires_at lies in the past; --expires-in 15m sets another"
                .to_owned(),
        ));
    }
    Ok(())
}

/// The claim that a file begins with; what is wrong with its text in the functions' own words.
fn object(
    text: &str,
    options: &SendOptions,
    now: Timestamp,
) -> Result<Map<String, Value>, Failure> {
    let read = serde_json::from_str(text);
    read.map_err(|error| Failure::InvalidClaim {
        problem: Claim::parse(text, now)
            .err()
            .unwrap_or_else(|| Malformed::NotJson(error.to_string())),
        place: named("--file", options.file.as_deref()),
    })
}

fn named(option: &str, path: Option<&Path>) -> Option<String> {
    Some(format!("{option} {}", path?.display()))
}

/// Where it stands what is wrong with a claim: its script in `--script`, where that is given, anything else in
/// `--file`. What an option of its own says its sender finds.
fn place_of(problem: &Malformed, options: &SendOptions) -> Option<String> {
    const LINE: &str = "init.commands[";
    let Malformed::Field { field, .. } = problem else {
        return named("--file", options.file.as_deref());
    };
    let Some(script) = named("--script", options.script.as_deref()) else {
        return named("--file", options.file.as_deref());
    };
    let index = field
        .strip_prefix(LINE)
        .and_then(|rest| rest.strip_suffix(']'));
    match index.and_then(|index| index.parse::<usize>().ok()) {
        Some(index) => Some(format!("line {} of {script}", index + 1)),
        None if field == "init" || field == "init.commands" => Some(script),
        None => named("--file", options.file.as_deref()),
    }
}

/// What the options say goes over what the file says.
fn fill_in(
    message: &mut Map<String, Value>,
    options: &SendOptions,
    script: Option<&str>,
    now: Timestamp,
) -> Result<(), Failure> {
    let mut set = |name: &str, value: Value| {
        message.insert(name.to_owned(), value);
    };
    if let Some(target) = &options.target {
        set("target_group", json!(target));
    }
    if let Some(id) = &options.id {
        set("claim_id", json!(id));
    }
    if let Some(what) = &options.when_empty {
        set("when_empty", json!(what));
    }
    if let Some(what) = &options.on_init_failure {
        set("on_init_failure", json!(what));
    }
    if let Some(protect) = options.protect {
        set("protect", json!(protect));
    }
    if options.create_target {
        let tags: Map<String, Value> = (options.tags.iter())
            .map(|(key, value)| (key.clone(), json!(value)))
            .collect();
        let target = json!({ "max_size": options.max_size, "tags": tags });
        set("create_target", target);
    }
    if let Some(when) = &options.attach_when {
        set("attach_when", json!(when));
    }
    if options.dry_run {
        set("dry_run", json!(true));
    }
    if !message.contains_key("claim_id") {
        message.insert("claim_id".to_owned(), json!(new_id(now)));
    }
    let mut lines: Vec<&str> = options.commands.iter().map(String::as_str).collect();
    if let Some(script) = script {
        lines.extend(script.strip_suffix('\n').unwrap_or(script).split('\n'));
    }
    let init = part(message, "init")?;
    if !lines.is_empty() {
        init.insert("commands".to_owned(), json!(lines));
    }
    if let Some(directory) = &options.working_directory {
        init.insert("working_directory".to_owned(), json!(directory));
    }
    if let Some(seconds) = options.execution_timeout {
        init.insert("execution_timeout_seconds".to_owned(), json!(seconds));
    }
    if !options.environment.is_empty() {
        let environment = part(init, "environment")?;
        for (name, value) in &options.environment {
            environment.insert(name.clone(), json!(value));
        }
    }
    if !options.zones.is_empty() || !options.instance_types.is_empty() {
        let preferences = part(message, "preferences")?;
        for (name, values) in [
            ("zones", &options.zones),
            ("instance_types", &options.instance_types),
        ] {
            if !values.is_empty() {
                preferences.insert(name.to_owned(), json!(values));
            }
        }
    }
    Ok(())
}

/// An object within an object, made where it is missing.
fn part<'m>(
    message: &'m mut Map<String, Value>,
    name: &str,
) -> Result<&'m mut Map<String, Value>, Failure> {
    let part = message.entry(name).or_insert_with(|| json!({}));
    part.as_object_mut()
        .ok_or_else(|| Failure::Usage(format!("nothing was sent: `{name}` must be a JSON object")))
}

fn unwritable() -> Failure {
    Failure::Usage("nothing was sent: --expires-in lies beyond the calendar".to_owned())
}

fn deadline(now: Timestamp, time: Duration) -> Result<Timestamp, Failure> {
    let time = time::Duration::try_from(time).map_err(|_| unwritable())?;
    let deadline = now.checked_add(time).ok_or_else(unwritable)?;
    // To the second: nobody cares, and people read it.
    Ok(deadline.replace_nanosecond(0).unwrap_or(deadline))
}

/// An id that no claim had: nobody types twice within a millisecond.
fn new_id(now: Timestamp) -> String {
    let format =
        format_description!("cli-[year][month][day]-[hour][minute][second]-[subsecond digits:3]");
    now.format(format).unwrap_or_else(|_| "cli".to_owned())
}

#[cfg(test)]
mod tests;
