//! Who does the work of each function: its own program, unless the command line says otherwise.

use crate::build::Programs;
use crate::cli::Common;
use crate::failure::Failure;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Uri;
use region::lambda::external::ExternalFunction;
use region::lambda::process::{ProcessFunction, Program};
use region::lambda::remote::RemoteFunction;
use region::lambda::{self, Function, FunctionConfig, FunctionError, Invocation};
use region::region::Region;
use region::template::Stack;
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

/// A function's name, as somebody gave it, and what came with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Named<T> {
    name: String,
    value: T,
}

/// What stands in a function's place.
enum Place {
    /// A command line, started by the region.
    Command(String),
    /// Whoever answers `Invoke` at an address.
    Remote(Uri),
    /// A program that somebody else starts.
    External(Arc<ExternalFunction>),
    /// Nobody.
    Paused,
}

/// Where the functions' code is.
pub(crate) struct Functions {
    places: Vec<Named<Place>>,
    programs: Programs,
}

/// Reads `NAME=COMMAND` or `NAME=http://…`.
pub(crate) fn command(text: &str) -> Result<Named<String>, String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() && !value.trim().is_empty() => Ok(Named {
            name: name.to_owned(),
            value: value.to_owned(),
        }),
        _ => Err("NAME=COMMAND or NAME=http://… is expected".to_owned()),
    }
}

/// Reads `NAME` or `NAME=PORT`.
pub(crate) fn external(text: &str) -> Result<Named<u16>, String> {
    let (name, port) = text.split_once('=').unwrap_or((text, "0"));
    let port = port
        .parse()
        .map_err(|_| format!("{port:?} is not a port; NAME or NAME=PORT is expected"))?;
    Ok(Named {
        name: name.to_owned(),
        value: port,
    })
}

fn address(text: &str) -> Result<Uri, Failure> {
    text.parse()
        .map_err(|error| Failure::Function(format!("{text} is no address: {error}")))
}

/// The name of a function's program: what its `CodeUri` ends with.
pub(crate) fn program_name(config: &FunctionConfig) -> Option<&str> {
    let uri = config.code_uri.as_deref()?;
    Path::new(uri).file_name()?.to_str()
}

impl Functions {
    /// Has the programs built, unless there is a directory of them. That may take minutes; so a
    /// name that is no function's of the stack, or that was given twice, fails before.
    pub(crate) async fn prepare(
        options: &Common,
        stack: &Stack,
        build: impl FnOnce() -> Result<Programs, Failure>,
    ) -> Result<Self, Failure> {
        let mut places = Vec::new();
        for Named { name, value } in options.functions.iter().cloned() {
            let value = if value.starts_with("http://") {
                Place::Remote(address(&value)?)
            } else {
                Place::Command(value)
            };
            places.push(Named { name, value });
        }
        for Named { name, value: port } in options.external.iter().cloned() {
            let function = ExternalFunction::serve(port);
            let function = function.await.map_err(|error| Failure::System {
                what: "cannot serve the Runtime API of an external function",
                error,
            })?;
            let value = Place::External(Arc::new(function));
            places.push(Named { name, value });
        }
        places.extend(options.paused.iter().map(|name| Named {
            name: name.clone(),
            value: Place::Paused,
        }));
        check(&places, stack)?;
        let programs = match &options.function_dir {
            Some(directory) => Programs::In(directory.clone()),
            None => build()?,
        };
        Ok(Self { places, programs })
    }

    /// The code of one function; `None` where there is none.
    pub(crate) fn code(
        &self,
        region: &Region,
        config: &FunctionConfig,
    ) -> Option<Arc<dyn Function>> {
        let place = self.places.iter().find(|place| place.is_for(config));
        let program = match place.map(|place| &place.value) {
            Some(Place::External(function)) => {
                return Some(Arc::<ExternalFunction>::clone(function));
            }
            Some(Place::Remote(address)) => {
                return Some(Arc::new(RemoteFunction::new(address.clone())));
            }
            Some(Place::Paused) => {
                region.with(|world| lambda::pause(world, &config.name));
                return Some(Arc::new(Nobody));
            }
            Some(Place::Command(line)) => Program::Command(line.clone()),
            None => Program::Executable(self.programs.find(program_name(config)?)?),
        };
        let function = ProcessFunction::new(config.clone(), program, region.clone());
        Some(Arc::new(function))
    }

    /// The Runtime API of a function that somebody else starts.
    pub(crate) fn runtime_api(&self, config: &FunctionConfig) -> Option<&str> {
        self.places.iter().find_map(|place| match &place.value {
            Place::External(function) if place.is_for(config) => Some(function.address()),
            _ => None,
        })
    }
}

/// Fails for a name that is no function's, and for a function that was named twice.
fn check(places: &[Named<Place>], stack: &Stack) -> Result<(), Failure> {
    let mut named = BTreeSet::new();
    for place in places {
        let known = stack.functions.values().find(|config| place.is_for(config));
        let config = known.ok_or_else(|| unknown(&place.name, stack))?;
        if !named.insert(&config.logical_id) {
            return Err(Failure::Function(format!(
                "function {} was given more than one place",
                config.logical_id
            )));
        }
    }
    Ok(())
}

impl<T> Named<T> {
    fn is_for(&self, config: &FunctionConfig) -> bool {
        let names = [
            Some(&*config.logical_id),
            Some(&*config.name),
            program_name(config),
        ];
        names.contains(&Some(&self.name))
    }
}

fn unknown(name: &str, stack: &Stack) -> Failure {
    let known: Vec<String> = stack
        .functions
        .values()
        .map(|config| match program_name(config) {
            Some(program) => format!("{program} ({})", config.logical_id),
            None => config.logical_id.clone(),
        })
        .collect();
    Failure::Function(format!(
        "the template has no function {name:?}; it has {}",
        known.join(", ")
    ))
}

/// The code of a paused function, which is never invoked.
struct Nobody;

impl Function for Nobody {
    fn invoke(&self, _: Invocation) -> BoxFuture<'static, Result<Value, FunctionError>> {
        let error = FunctionError::new("Paused", "the function was paused");
        async { Err(error) }.boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use region::region::TemplateSource;
    use region::settings::Settings;
    use std::collections::BTreeMap;
    use std::path::PathBuf;
    use time::OffsetDateTime;

    const TEMPLATE: &str = r"
Resources:
  ClaimFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/claim, FunctionName: stack-claim}
  InitFunction:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/init}
";

    fn paused(names: &[&str]) -> Arc<Functions> {
        let place = |name: &&str| Named {
            name: (*name).to_owned(),
            value: Place::Paused,
        };
        Arc::new(Functions {
            places: names.iter().map(place).collect(),
            // Something that is a file, for the functions that are not paused.
            programs: Programs::Built(BTreeMap::from([
                ("claim".to_owned(), PathBuf::from("/bin/true")),
                ("init".to_owned(), PathBuf::from("/bin/true")),
            ])),
        })
    }

    fn region(functions: &Arc<Functions>) -> Region {
        let functions = Arc::clone(functions);
        Region::builder(Settings::default(), OffsetDateTime::UNIX_EPOCH)
            .template(TemplateSource {
                text: TEMPLATE.to_owned(),
                stack_name: "stack".to_owned(),
                parameters: BTreeMap::new(),
            })
            .functions(move |region, config| functions.code(region, config))
            .start()
            .unwrap()
    }

    #[tokio::test]
    async fn a_function_goes_by_three_names() {
        for name in ["ClaimFunction", "claim", "stack-claim"] {
            let region = region(&paused(&[name]));
            let room = |function: &str| {
                region.read(|world| world.lambda.functions[function].reserved_concurrency)
            };
            assert_eq!(room("stack-claim"), Some(0), "{name}");
            assert_eq!(room("stack-InitFunction"), None, "{name}");
            region.stop().await;
        }
    }

    #[derive(clap::Parser)]
    struct Line {
        #[command(flatten)]
        common: Common,
    }

    /// What is checked before anything is built.
    async fn refusal_of(arguments: &[&str]) -> String {
        let line = ["region"].iter().chain(arguments);
        let options = <Line as clap::Parser>::try_parse_from(line).unwrap().common;
        let region = region(&paused(&[]));
        let build = || unreachable!("it is built, and only then refused");
        let prepared = Functions::prepare(&options, region.stack(), build).await;
        region.stop().await;
        prepared.err().expect("a refusal").to_string()
    }

    #[tokio::test]
    async fn a_name_that_is_nobodys_is_answered_at_once_with_the_known_ones() {
        let unknown = "the template has no function \"clam\"; it has claim (ClaimFunction), init (InitFunction)";
        assert_eq!(refusal_of(&["--function", "clam=true"]).await, unknown);
        assert_eq!(refusal_of(&["--external", "clam"]).await, unknown);
        assert_eq!(refusal_of(&["--pause", "clam"]).await, unknown);
        assert_eq!(
            refusal_of(&["--function", "claim=true", "--pause", "ClaimFunction"]).await,
            "function ClaimFunction was given more than one place"
        );
    }

    #[test]
    fn places_are_read_from_the_command_line() {
        let line = command("claim=env A=b ./claim").unwrap();
        assert_eq!((&*line.name, &*line.value), ("claim", "env A=b ./claim"));
        for wrong in ["claim", "claim=", "=x", "claim= "] {
            assert!(command(wrong).is_err(), "{wrong}");
        }
        let port = external("claim=9001").unwrap();
        assert_eq!((&*port.name, port.value), ("claim", 9001));
        assert_eq!(external("claim").unwrap().value, 0);
        assert!(external("claim=high").is_err());
    }
}
