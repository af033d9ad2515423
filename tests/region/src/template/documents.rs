//! Systems Manager documents.

use super::{Attributes, Declaration, Error, Loader};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct DocumentProperties {
    name: Option<String>,
    document_type: Option<String>,
    content: Value,
    #[serde(default, rename = "DocumentFormat")]
    _document_format: Option<IgnoredAny>,
    #[serde(default, rename = "TargetType")]
    _target_type: Option<IgnoredAny>,
    #[serde(default, rename = "UpdateMethod")]
    _update_method: Option<IgnoredAny>,
    #[serde(default, rename = "Tags")]
    _tags: Option<IgnoredAny>,
}

/// Adds an `AWS::SSM::Document`: one that runs a shell script as `AWS-RunShellScript` does, with the
/// same parameters. The region knows no other.
pub(super) fn make(
    loader: &mut Loader<'_>,
    declaration: &Declaration<'_>,
) -> Result<Attributes, Error> {
    let place = &declaration.place;
    let properties: DocumentProperties = declaration.read()?;
    if properties.document_type.as_deref() != Some("Command") {
        return Err(Error::new(place, "only DocumentType Command is known"));
    }
    check(&properties.content)
        .map_err(|problem| Error::new(format!("{place}.Content"), problem))?;
    let name = properties
        .name
        .unwrap_or_else(|| loader.physical_name(declaration.name));
    loader.world.ssm.documents.insert(name.clone());
    Ok(Attributes {
        reference: name,
        ..Attributes::default()
    })
}

/// Schema 2.2 with one step; every parameter that it takes goes where it belongs.
fn check(content: &Value) -> Result<(), String> {
    if content["schemaVersion"] != "2.2" {
        return Err("only schemaVersion 2.2 is known".to_owned());
    }
    let [step] = content["mainSteps"]
        .as_array()
        .map_or(&[][..], Vec::as_slice)
    else {
        return Err("exactly one step is expected".to_owned());
    };
    if step["action"] != "aws:runShellScript" {
        return Err("only the action aws:runShellScript is known".to_owned());
    }
    for (parameter, kind, input) in [
        ("commands", "StringList", "runCommand"),
        ("workingDirectory", "String", "workingDirectory"),
        ("executionTimeout", "String", "timeoutSeconds"),
    ] {
        if content["parameters"][parameter]["type"] != kind {
            return Err(format!(
                "a parameter {parameter} of type {kind} is expected"
            ));
        }
        let given = &step["inputs"][input];
        if *given != json!(format!("{{{{ {parameter} }}}}")) {
            return Err(format!(
                "the step's {input} is {given}, not the parameter {parameter}"
            ));
        }
    }
    Ok(())
}
