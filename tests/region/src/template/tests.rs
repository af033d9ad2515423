//! Templates, small ones.

use super::load;
use crate::settings::Settings;
use crate::world::World;
use std::collections::BTreeMap;
use time::macros::datetime;

fn world() -> World {
    World::new(Settings::default(), datetime!(2026-11-22 12:00 UTC))
}

fn problem(text: &str) -> String {
    load(&mut world(), text, "s", &BTreeMap::new())
        .unwrap_err()
        .to_string()
}

const SMALL: &str = r"
Parameters:
  Size: {Type: Number, Default: 3, MaxValue: 5}
  Zones: {Type: 'List<AWS::EC2::Subnet::Id>', Default: 'subnet-1a,subnet-1b'}
Conditions:
  Big: !Equals [!Ref Size, '5']
  Small: !Not [!Condition Big]
Globals:
  Function:
    Runtime: provided.al2023
    Timeout: 20
    Environment: {Variables: {SHARED: yes}}
Resources:
  Worker:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: worker
      Environment:
        Variables:
          QUEUE_URL: !Ref Work
          GROUP: !Ref Group
          SIZE: !Ref Size
          WORD: !If [Small, !Sub '${AWS::StackName}-small', big]
          GONE: !If [Big, x, !Ref AWS::NoValue]
      Events:
        Work:
          Type: SQS
          Properties:
            Queue: !GetAtt Work.Arn
            FunctionResponseTypes: [ReportBatchItemFailures]
        Minute: {Type: Schedule, Properties: {Schedule: rate(1 minute)}}
  Work:
    Type: AWS::SQS::Queue
    Properties:
      FifoQueue: true
      RedrivePolicy: {deadLetterTargetArn: !GetAtt Dead.Arn, maxReceiveCount: 9}
  Dead: {Type: AWS::SQS::Queue, Properties: {FifoQueue: true}}
  OnlyBig: {Type: AWS::SQS::Queue, Condition: Big}
  Role:
    Type: AWS::IAM::Role
    Properties:
      AssumeRolePolicyDocument:
        Version: '2012-10-17'
        Statement:
          {Effect: Allow, Principal: {Service: ec2.amazonaws.com}, Action: sts:AssumeRole}
  Template:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        InstanceType: t4g.small
        TagSpecifications:
          - {ResourceType: instance, Tags: [{Key: of, Value: !Ref AWS::StackName}]}
  Group:
    Type: AWS::AutoScaling::AutoScalingGroup
    Properties:
      MinSize: 0
      MaxSize: !Ref Size
      VPCZoneIdentifier: !Ref Zones
      LaunchTemplate:
        LaunchTemplateId: !Ref Template
        Version: !GetAtt Template.LatestVersionNumber
      Tags: [{Key: a, Value: 1, PropagateAtLaunch: true}]
Outputs:
  WorkUrl: {Value: !Ref Work}
  Joined: {Value: !Join ['/', [!Select [1, !Ref Zones], !GetAtt Role.Arn]]}
";

#[test]
fn a_template_becomes_queues_groups_and_functions() {
    let mut world = world();
    let stack = load(&mut world, SMALL, "s", &BTreeMap::new()).unwrap();
    let url = "http://region.invalid/123456789012/s-Work.fifo";
    assert_eq!(stack.outputs["WorkUrl"], url);
    assert_eq!(
        stack.outputs["Joined"],
        "subnet-1b/arn:aws:iam::123456789012:role/s-Role"
    );
    let worker = &stack.functions["Worker"];
    assert_eq!(worker.name, "s-Worker");
    assert_eq!(worker.timeout.as_secs(), 20);
    let variables: Vec<(&str, &str)> = worker
        .environment
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(
        variables,
        [
            ("GROUP", "s-Group"),
            ("QUEUE_URL", url),
            ("SHARED", "yes"),
            ("SIZE", "3"),
            ("WORD", "s-small"),
        ]
    );
    assert!(!stack.resources.contains_key("OnlyBig"));
    let policy = world.sqs.queues["s-Work.fifo"].attributes.redrive_policy();
    assert_eq!(policy.unwrap().max_receive_count, 9);
    assert!(world.lambda.mappings[0].reports_failures);
    assert!(world.events.rules.contains_key("s-WorkerMinute"));
    let group = &world.autoscaling.groups["s-Group"];
    assert_eq!((group.max, group.zones.len()), (3, 2));
    assert!(group.tags.contains_key("a"));
    let template = &world.compute.launch_templates["s-Template"];
    assert_eq!(template.instance_tags["of"], "s");
}

#[test]
fn parameters_are_given_and_checked() {
    let size = |size: &str| BTreeMap::from([("Size".to_owned(), size.to_owned())]);
    let stack = load(&mut world(), SMALL, "s", &size("5")).unwrap();
    assert!(stack.resources.contains_key("OnlyBig"));
    assert_eq!(stack.functions["Worker"].environment["GONE"], "x");
    assert_eq!(stack.functions["Worker"].environment["WORD"], "big");
    let error = load(&mut world(), SMALL, "s", &size("6")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "Parameter 'Size' must be a number not greater than 5 (it is \"6\")"
    );
    let unknown = BTreeMap::from([("Sise".to_owned(), "1".to_owned())]);
    let error = load(&mut world(), SMALL, "s", &unknown).unwrap_err();
    assert!(error.to_string().contains("no parameter Sise"));
}

/// A template with this parameter, and what is said of the value.
fn refusal_of(declaration: &str, value: &str) -> Option<String> {
    let template = format!("Parameters:\n  P: {{{declaration}}}\nResources: {{}}\n");
    let given = BTreeMap::from([("P".to_owned(), value.to_owned())]);
    let loaded = load(&mut world(), &template, "s", &given);
    loaded.err().map(|error| error.to_string())
}

#[test]
fn each_constraint_of_a_parameter_is_checked_in_cloudformation_s_words() {
    const HIT_RATE: &str = r"Type: String, AllowedPattern: '0|[5-9][0-9](\.[0-9])?'";
    for (declaration, good, bad, said) in [
        (
            "Type: Number, MinValue: 1",
            "1",
            "0",
            "Parameter 'P' must be a number not less than 1",
        ),
        (
            "Type: Number",
            "1",
            "many",
            "Parameter 'P' must be a number",
        ),
        (
            "Type: String, AllowedValues: [a, b]",
            "a",
            "c",
            "Parameter 'P' must be one of AllowedValues [\"a\",\"b\"]",
        ),
        (
            "Type: String, MinLength: 2",
            "ab",
            "a",
            "Parameter 'P' must contain at least 2 characters",
        ),
        (
            "Type: String, MaxLength: '2'",
            "ab",
            "abc",
            "Parameter 'P' must contain at most 2 characters",
        ),
        (
            HIT_RATE,
            "99.9",
            "3",
            r"Parameter 'P' must match pattern 0|[5-9][0-9](\.[0-9])?",
        ),
        // As a whole, although it is an alternative.
        (HIT_RATE, "0", "05", "Parameter 'P' must match pattern"),
        (
            "Type: CommaDelimitedList, AllowedPattern: '[a-z]+'",
            "a, b",
            "a,B",
            "Parameter 'P' must match pattern [a-z]+",
        ),
        (
            "Type: String, AllowedPattern: '[a-z]+', ConstraintDescription: must be a word.",
            "a",
            "1",
            "Parameter P failed to satisfy constraint: must be a word. (it is \"1\")",
        ),
    ] {
        assert_eq!(refusal_of(declaration, good), None, "{declaration}");
        let refusal = refusal_of(declaration, bad).unwrap();
        assert!(refusal.starts_with(said), "{refusal}");
    }
    let refusal = refusal_of("Type: String, AllowedPattern: '(?=a)a'", "a").unwrap();
    assert!(refusal.starts_with("AllowedPattern: "), "{refusal}");
}

#[test]
fn rules_are_asked_before_anything_is_made() {
    const RULES: &str = "
Parameters:
  Kind: {Type: String, Default: ''}
  Names: {Type: CommaDelimitedList, Default: ''}
Rules:
  KindsNeedNames:
    RuleCondition: !Not [!Equals [!Ref Kind, '']]
    Assertions:
      - Assert: !Not [{'Fn::EachMemberEquals': [!Ref Names, '']}]
        AssertDescription: a kind needs names
Resources:
  Work: {Type: AWS::SQS::Queue}
";
    for (kind, names, problem) in [
        ("", "", None),
        ("", "a,b", None),
        ("some", "a,b", None),
        ("some", "", Some("Rules.KindsNeedNames: a kind needs names")),
    ] {
        let given = [("Kind", kind), ("Names", names)];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let mut world = world();
        let loaded = load(&mut world, RULES, "s", &given.into());
        let found = loaded.err().map(|error| error.to_string());
        assert_eq!(found.as_deref(), problem, "{kind:?} {names:?}");
        assert_eq!(world.sqs.queues.len(), usize::from(problem.is_none()));
    }
}

#[test]
fn what_is_not_known_is_an_error_that_says_where() {
    assert_eq!(
        problem("Resources: {T: {Type: AWS::DynamoDB::Table}}"),
        "Resources.T: the simulated region does not know the type AWS::DynamoDB::Table"
    );
    assert_eq!(
        problem("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Ref N}}}"),
        "Resources.Q.Properties.QueueName.Ref: N is neither a parameter nor a resource"
    );
    assert_eq!(
        problem("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {QueueName: !Cidr x}}}"),
        "Resources.Q.Properties.QueueName.Fn::Cidr: function Fn::Cidr is not known to the \
         simulated region"
    );
    let unknown_property =
        problem("Resources: {Q: {Type: AWS::SQS::Queue, Properties: {Colour: x}}}");
    assert!(
        unknown_property.contains("Resources.Q.Properties"),
        "{unknown_property}"
    );
    assert!(unknown_property.contains("Colour"), "{unknown_property}");
    let pattern = problem(
        "Resources: {R: {Type: AWS::Events::Rule, Properties: {EventPattern: {a: [{cidr: x}]}}}}",
    );
    assert!(
        pattern.contains("Resources.R.Properties.EventPattern"),
        "{pattern}"
    );
    assert!(pattern.contains("`cidr`"), "{pattern}");
}

#[test]
fn a_function_may_not_outlast_the_visibility_of_its_queue() {
    let text = SMALL.replace("Timeout: 20", "Timeout: 31");
    let problem = problem(&text);
    assert!(
        problem.ends_with(
            "Queue visibility timeout: 30 seconds is less than Function timeout: 31 seconds"
        ),
        "{problem}"
    );
}
