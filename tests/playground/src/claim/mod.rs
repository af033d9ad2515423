//! `claim`: asks a running region for everything that is known of a claim, and prints it.

mod address;
mod facts;
mod gather;
mod next;
mod stage;
mod words;

pub(crate) use address::Left;
pub(crate) use gather::answer;

use crate::cli::ClaimOptions;
use crate::failure::Failure;
use crate::print::Printer;
use crate::story::words::shortened;
use address::Found;
use facts::Answer;
use http::{Request, StatusCode, Uri};
use http_body_util::{BodyExt, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use std::time::Duration;
use time::OffsetDateTime;

/// The path of the answer on the region's endpoint; the id is in the query.
pub(crate) const PATH: &str = "/_region/claim";
/// How long a region on this machine may take. It reads its whole journal for an answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// Longest answer, bytes: a claim has few instances, commands and messages.
const LONGEST: usize = 4 * 1024 * 1024;

/// Tells the story of the claim; an error where nobody knows it.
pub(crate) async fn run(options: ClaimOptions) -> Result<(), Failure> {
    let (found, body) = ask_any(address::find(options.endpoint.as_deref()), &options.id).await?;
    let answer: Answer = serde_json::from_slice(&body).map_err(|error| {
        Failure::NoRegion(format!(
            "what answers at {} ({}) is no region of this version: {error}",
            found.endpoint, found.from
        ))
    })?;
    let mut out = Printer::stdout(OffsetDateTime::UNIX_EPOCH);
    if options.json {
        out.text(&String::from_utf8_lossy(&body))?;
    } else {
        print(&mut out, &answer)?;
    }
    if answer.claims.is_empty() {
        return Err(Failure::UnknownClaim(unknown(&answer)));
    }
    Ok(())
}

/// The answer of the first region that gives one.
async fn ask_any(candidates: Vec<Found>, id: &str) -> Result<(Found, Vec<u8>), Failure> {
    let mut first = None;
    for found in candidates {
        match ask(&found, id).await {
            Ok(body) => return Ok((found, body)),
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    Err(first.unwrap_or_else(|| {
        Failure::NoRegion(
            "no region is known: start one (`cargo serve`, or `cargo demo --stay`), or say where \
             it is with --endpoint"
                .to_owned(),
        )
    }))
}

async fn ask(found: &Found, id: &str) -> Result<Vec<u8>, Failure> {
    let failed = |problem: &str| {
        Failure::NoRegion(format!(
            "no region answers at {} ({}): {problem}",
            found.endpoint, found.from
        ))
    };
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("id", id)
        .finish();
    let address: Uri = format!("{}{PATH}?{query}", found.endpoint)
        .parse()
        .map_err(|_| failed("this is no address; one such as http://127.0.0.1:4566 is expected"))?;
    if address.scheme_str() != Some("http") {
        return Err(failed("an address with http:// is expected"));
    }
    let request = Request::get(address)
        .body(String::new())
        .map_err(|error| failed(&error.to_string()))?;
    let client: Client<_, String> = Client::builder(TokioExecutor::new()).build_http();
    let asking = async {
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| failed(&whole(&error)))?;
        let status = answer.status();
        let body = Limited::new(answer.into_body(), LONGEST).collect().await;
        let body = body.map_err(|error| failed(&error.to_string()))?;
        Ok::<_, Failure>((status, body.to_bytes().to_vec()))
    };
    let (status, body) = tokio::time::timeout(PATIENCE, asking)
        .await
        .map_err(|_| failed("it does not say anything"))??;
    if status == StatusCode::OK {
        return Ok(body);
    }
    let said = shortened(String::from_utf8_lossy(&body).trim());
    Err(failed(&format!("{status}: {said}")))
}

/// An error with its causes.
fn whole(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let texts: Vec<String> = causes.map(ToString::to_string).collect();
    texts.join(": ")
}

fn print(out: &mut Printer, answer: &Answer) -> Result<(), Failure> {
    for (index, facts) in answer.claims.iter().enumerate() {
        if index > 0 {
            out.text("")?;
        }
        let story = words::story(answer, facts);
        out.heading(&story.title)?;
        for row in &story.rows {
            out.field(row.label, &row.text, &row.below, row.tone)?;
        }
    }
    Ok(())
}

fn unknown(answer: &Answer) -> String {
    let mut text = format!(
        "no trace of claim {}. Looked at:",
        shortened(&answer.claim_id)
    );
    for place in &answer.looked_at {
        text.push_str("\n  ");
        text.push_str(place);
    }
    text.push_str(
        "\nWas it sent to this region, and under this id? A claim that ended long ago leaves no \
         entry",
    );
    text
}

#[cfg(test)]
mod tests;
