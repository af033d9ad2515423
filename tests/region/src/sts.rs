//! AWS Security Token Service, as far as a person asks who they are: `GetCallerIdentity`.

use crate::api::{Answer, Call, CallError, Service};
use crate::iam::Principal;
use crate::world::World;
use serde_json::json;

/// Answers a call.
pub(crate) fn answer(world: &World, call: &Call) -> Answer {
    if call.operation != "GetCallerIdentity" {
        return Err(CallError::unknown_operation(Service::Sts, &call.operation));
    }
    let account = &world.settings.account_id;
    let (user_id, arn) = match world.iam.principal(&call.caller) {
        // A key that nobody has is the account's own.
        Principal::Administrator | Principal::Service { .. } => {
            (account.clone(), world.settings.global_arn("iam", "root"))
        }
        Principal::User { arn } => ("AIDASIMULATED".to_owned(), arn),
        Principal::Session { name, arn, .. } => (format!("AROASIMULATED:{name}"), arn),
    };
    Ok(json!({ "UserId": user_id, "Account": account, "Arn": arn }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::Settings;
    use time::OffsetDateTime;

    fn identity(world: &mut World, caller: &str) -> String {
        let call = Call {
            service: Service::Sts,
            operation: "GetCallerIdentity".to_owned(),
            input: json!({}),
            caller: caller.to_owned(),
        };
        let answer = world.answer(&call).unwrap();
        assert_eq!(answer["Account"], "123456789012");
        answer["Arn"].as_str().unwrap().to_owned()
    }

    #[test]
    fn everybody_may_ask_who_they_are() {
        let settings = Settings::default();
        let mut world = World::new(settings.clone(), OffsetDateTime::UNIX_EPOCH);
        world.iam.add_user(&settings, "eve", Vec::new());
        let role = settings.global_arn("iam", "role/worker");
        let session = Principal::session(&settings, &role, "a-function");
        world.iam.add_key("AKIAFUNCTION", session);
        for (caller, arn) in [
            ("me", "arn:aws:iam::123456789012:root"),
            ("eve", "arn:aws:iam::123456789012:user/eve"),
            (
                "AKIAFUNCTION",
                "arn:aws:sts::123456789012:assumed-role/worker/a-function",
            ),
        ] {
            assert_eq!(identity(&mut world, caller), arn);
        }
    }
}
