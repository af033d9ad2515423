//! Resource types without behaviour in the region: they only have a name and an ARN.

use super::{Attributes, Declaration, Loader};
use std::collections::BTreeMap;

/// A type: the property that names it, and its ARN with `{name}`, `{partition}`, `{region}` and `{account}`.
struct Passive {
    kind: &'static str,
    name_property: &'static str,
    arn: Option<&'static str>,
    /// Whether `Ref` gives the ARN.
    refers_by_arn: bool,
}

const fn passive(
    kind: &'static str,
    name_property: &'static str,
    arn: Option<&'static str>,
) -> Passive {
    Passive {
        kind,
        name_property,
        arn,
        refers_by_arn: false,
    }
}

const TYPES: [Passive; 6] = [
    passive(
        "AWS::Logs::LogGroup",
        "LogGroupName",
        Some("arn:{partition}:logs:{region}:{account}:log-group:{name}:*"),
    ),
    passive("AWS::Logs::MetricFilter", "FilterName", None),
    passive(
        "AWS::CloudWatch::Alarm",
        "AlarmName",
        Some("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"),
    ),
    passive(
        "AWS::CloudWatch::CompositeAlarm",
        "AlarmName",
        Some("arn:{partition}:cloudwatch:{region}:{account}:alarm:{name}"),
    ),
    passive("AWS::CloudWatch::Dashboard", "DashboardName", None),
    Passive {
        kind: "AWS::SNS::Topic",
        name_property: "TopicName",
        arn: Some("arn:{partition}:sns:{region}:{account}:{name}"),
        refers_by_arn: true,
    },
];

/// Gives a passive resource its attributes; `None` for a type that is not one.
pub(super) fn make(
    loader: &Loader<'_>,
    kind: &str,
    declaration: &Declaration<'_>,
) -> Option<Attributes> {
    let known = TYPES.iter().find(|known| known.kind == kind)?;
    let name = declaration.properties[known.name_property]
        .as_str()
        .map_or_else(|| loader.physical_name(declaration.name), str::to_owned);
    let settings = &loader.world.settings;
    let arn = known.arn.map(|arn| {
        arn.replace("{name}", &name)
            .replace("{partition}", settings.partition())
            .replace("{region}", &settings.region_name)
            .replace("{account}", &settings.account_id)
    });
    let reference = match &arn {
        Some(arn) if known.refers_by_arn => arn.clone(),
        _ => name,
    };
    let attributes = arn
        .map(|arn| BTreeMap::from([("Arn".to_owned(), arn)]))
        .unwrap_or_default();
    Some(Attributes {
        reference,
        attributes,
    })
}
