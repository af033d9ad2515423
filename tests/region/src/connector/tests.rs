//! Unmodified SDK clients on the paused clock.

use super::Connector;
use crate::api::{CallError, Service};
use crate::clock::Clock;
use crate::commands::{Pretence, Scripted};
use crate::compute::know_launch_template;
use crate::faults::{Failure, Fault, Moment};
use crate::journal::Happening;
use crate::region::Region;
use crate::settings::Settings;
use aws_sdk_autoscaling::config::{
    BehaviorVersion, Credentials, Region as RegionName, retry::RetryConfig, timeout::TimeoutConfig,
};
use aws_sdk_autoscaling::error::ProvideErrorMetadata;
use aws_sdk_autoscaling::types::{LaunchTemplateSpecification, Tag};
use aws_sdk_ssm::types::{CommandInvocationStatus, InstanceInformationStringFilter};
use aws_smithy_async::time::TimeSource;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use time::macros::datetime;

/// The region's clock as the SDK wants it.
#[derive(Debug)]
struct RegionTime(Clock);

impl TimeSource for RegionTime {
    fn now(&self) -> SystemTime {
        self.0.now().into()
    }
}

fn region(commands: Scripted) -> Region {
    Region::builder(Settings::default(), datetime!(2026-11-22 12:00 UTC))
        .commands(Arc::new(commands))
        .prepare(|world| know_launch_template(world, "lt"))
        .start()
        .unwrap()
}

fn credentials() -> Credentials {
    Credentials::new("CALLER", "secret", None, None, "test")
}

fn autoscaling(region: &Region) -> aws_sdk_autoscaling::Client {
    let config = aws_sdk_autoscaling::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(RegionName::new("eu-west-1"))
        .credentials_provider(credentials())
        .http_client(Connector::to(region.clone()))
        .time_source(RegionTime(region.clock()))
        .build();
    aws_sdk_autoscaling::Client::from_conf(config)
}

fn ssm(region: &Region) -> aws_sdk_ssm::Client {
    let config = aws_sdk_ssm::Config::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(RegionName::new("eu-west-1"))
        .credentials_provider(credentials())
        .http_client(Connector::to(region.clone()))
        .time_source(RegionTime(region.clock()))
        .build();
    aws_sdk_ssm::Client::from_conf(config)
}

async fn create(client: &aws_sdk_autoscaling::Client, name: &str, desired: i32) {
    client
        .create_auto_scaling_group()
        .auto_scaling_group_name(name)
        .min_size(0)
        .max_size(5)
        .desired_capacity(desired)
        .availability_zones("eu-west-1a")
        .availability_zones("eu-west-1b")
        .launch_template(
            LaunchTemplateSpecification::builder()
                .launch_template_name("lt")
                .build(),
        )
        .tags(
            Tag::builder()
                .key("ümlaut & <xml>")
                .value("a=b c+d")
                .propagate_at_launch(true)
                .build(),
        )
        .send()
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_instance_goes_from_pool_to_target_and_runs_a_command() {
    let region = region(Scripted::new(|run| Pretence {
        stdout: format!("ran {} on {}", run.script, run.instance),
        ..Pretence::default()
    }));
    let (autoscaling, ssm) = (autoscaling(&region), ssm(&region));
    create(&autoscaling, "pool", 2).await;
    create(&autoscaling, "target", 0).await;
    tokio::time::sleep(Duration::from_secs(400)).await;

    let pool = autoscaling
        .describe_auto_scaling_groups()
        .auto_scaling_group_names("pool")
        .send()
        .await
        .unwrap();
    let pool = &pool.auto_scaling_groups()[0];
    assert_eq!(pool.instances().len(), 2);
    assert_eq!(pool.tags()[0].key(), Some("ümlaut & <xml>"));
    assert_eq!(pool.tags()[0].value(), Some("a=b c+d"));
    let id = pool.instances()[0].instance_id().unwrap().to_owned();

    let agents = ssm
        .describe_instance_information()
        .filters(
            InstanceInformationStringFilter::builder()
                .key("InstanceIds")
                .values(&id)
                .build()
                .unwrap(),
        )
        .send()
        .await
        .unwrap();
    let agent = &agents.instance_information_list()[0];
    assert_eq!(agent.ping_status().unwrap().as_str(), "Online");

    let detached = autoscaling
        .detach_instances()
        .auto_scaling_group_name("pool")
        .instance_ids(&id)
        .should_decrement_desired_capacity(false)
        .send()
        .await
        .unwrap();
    assert_eq!(detached.activities()[0].progress(), Some(50));
    let attach = || {
        autoscaling
            .attach_instances()
            .auto_scaling_group_name("target")
            .instance_ids(&id)
            .send()
    };
    let too_early = attach().await.unwrap_err();
    assert_eq!(too_early.code(), Some("ValidationError"));
    assert!(
        too_early
            .message()
            .unwrap()
            .ends_with("AutoScalingGroup:pool")
    );
    tokio::time::sleep(Duration::from_secs(30)).await;
    attach().await.unwrap();

    let sent = ssm
        .send_command()
        .document_name("AWS-RunShellScript")
        .instance_ids(&id)
        .parameters("commands", vec!["echo hello".to_owned()])
        .comment("a comment")
        .send()
        .await
        .unwrap();
    let command = sent.command().unwrap().command_id().unwrap().to_owned();
    tokio::time::sleep(Duration::from_secs(10)).await;
    let invocation = ssm
        .get_command_invocation()
        .command_id(&command)
        .instance_id(&id)
        .send()
        .await
        .unwrap();
    assert_eq!(invocation.status(), Some(&CommandInvocationStatus::Success));
    assert_eq!(
        invocation.standard_output_content(),
        Some(format!("ran echo hello on {id}").as_str())
    );
    let commands = ssm.list_commands().instance_id(&id).send().await.unwrap();
    assert_eq!(commands.commands()[0].comment(), Some("a comment"));
    assert!(commands.commands()[0].requested_date_time().is_some());

    let callers: Vec<String> = region.with(|world| {
        world
            .journal
            .entries()
            .filter_map(|entry| match &entry.what {
                Happening::Called { caller, .. } => Some(caller.clone()),
                _ => None,
            })
            .collect()
    });
    assert!(callers.iter().all(|caller| caller == "CALLER"));
    region.stop().await;
}

#[tokio::test(start_paused = true)]
async fn errors_arrive_typed() {
    let region = region(Scripted::default());
    let error = ssm(&region)
        .send_command()
        .document_name("AWS-RunShellScript")
        .instance_ids("i-00000000000000000")
        .parameters("commands", vec!["true".to_owned()])
        .send()
        .await
        .unwrap_err();
    assert!(error.as_service_error().unwrap().is_invalid_instance_id());
    let autoscaling = autoscaling(&region);
    create(&autoscaling, "twice", 0).await;
    let error = autoscaling
        .create_auto_scaling_group()
        .auto_scaling_group_name("twice")
        .min_size(0)
        .max_size(1)
        .send()
        .await
        .unwrap_err();
    assert!(error.as_service_error().unwrap().is_already_exists_fault());
}

#[tokio::test(start_paused = true)]
async fn faults_are_felt_and_retried_on_the_regions_clock() {
    let region = region(Scripted::default());
    region.with(|world| {
        world
            .faults
            .add(Fault::throttle(Service::AutoScaling, "DescribeTags", 2));
    });
    let started = tokio::time::Instant::now();
    autoscaling(&region).describe_tags().send().await.unwrap();
    let took = started.elapsed();
    assert!(took > Duration::from_millis(200), "{took:?}");

    // The effect happens, and the client never hears of it.
    region.with(|world| {
        world.faults.add(Fault {
            moment: Moment::AfterTheEffect,
            failure: Failure::Silence,
            ..Fault::next(
                Service::AutoScaling,
                "CreateAutoScalingGroup",
                CallError::validation(""),
            )
        });
    });
    let override_config = aws_sdk_autoscaling::Config::builder()
        .retry_config(RetryConfig::disabled())
        .timeout_config(
            TimeoutConfig::builder()
                .operation_timeout(Duration::from_secs(20))
                .build(),
        );
    let started = tokio::time::Instant::now();
    autoscaling(&region)
        .create_auto_scaling_group()
        .auto_scaling_group_name("made")
        .min_size(0)
        .max_size(1)
        .availability_zones("eu-west-1a")
        .launch_configuration_name("lc")
        .customize()
        .config_override(override_config)
        .send()
        .await
        .unwrap_err();
    assert_eq!(started.elapsed(), Duration::from_secs(20));
    assert!(region.with(|world| world.autoscaling.groups.contains_key("made")));
}
