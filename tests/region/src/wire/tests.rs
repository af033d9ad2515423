use super::*;
use serde_json::{Value, json};

fn request(headers: &[(&str, &str)], body: &str) -> Request<Vec<u8>> {
    let mut request = Request::builder().method("POST").uri("/").header(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20261122/eu-west-1/autoscaling/aws4_request, \
         SignedHeaders=host, Signature=00",
    );
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(body.as_bytes().to_vec()).unwrap()
}

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn form(body: &str) -> Result<Call, CallError> {
    decode(&request(&[FORM], body)).call
}

#[test]
fn a_form_becomes_a_nested_value_and_the_caller_is_the_access_key() {
    let call = form(
        "Action=CreateOrUpdateTags&Version=2011-01-01\
         &Tags.member.1.Key=gr%C3%B6%C3%9Fe&Tags.member.1.Value=a+b%26c\
         &Tags.member.2.Key=second&Names.member.10=j&Names.member.9=i",
    )
    .unwrap();
    assert_eq!(call.service, Service::AutoScaling);
    assert_eq!(call.operation, "CreateOrUpdateTags");
    assert_eq!(call.caller, "AKIDEXAMPLE");
    assert_eq!(
        call.input,
        json!({
            "Tags": [{"Key": "größe", "Value": "a b&c"}, {"Key": "second"}],
            "Names": ["i", "j"],
        })
    );
}

#[test]
fn malformed_forms_are_refused_in_awss_words() {
    let code = |body: &str| form(body).unwrap_err().code;
    assert_eq!(code(""), "MissingAction");
    assert_eq!(code("Action=X&Version=2012-11-05"), "NoSuchVersion");
    assert_eq!(code("Action=X"), "NoSuchVersion");
    assert_eq!(
        code("Action=X&Version=2011-01-01&A=1&A.B=2"),
        "MalformedQueryString"
    );
    assert_eq!(
        code("Action=X&Version=2011-01-01&A.member.x=2"),
        "MalformedQueryString"
    );
    assert_eq!(
        code("Action=X&Version=2011-01-01&A..B=2"),
        "MalformedQueryString"
    );
}

#[test]
fn an_unsigned_request_is_refused() {
    let request = Request::builder()
        .method("POST")
        .header("x-amz-target", "AmazonSSM.SendCommand")
        .body(b"{}".to_vec())
        .unwrap();
    let error = decode(&request).call.unwrap_err();
    assert_eq!(
        (error.status, error.code.as_str()),
        (403, "MissingAuthenticationToken")
    );
}

#[test]
fn the_target_header_names_service_and_operation() {
    let decode = |target: &str, body: &str| decode(&request(&[("x-amz-target", target)], body));
    let ssm = decode("AmazonSSM.SendCommand", r#"{"Comment":"x"}"#);
    assert_eq!(ssm.protocol, JSON_1_1);
    let call = ssm.call.unwrap();
    assert_eq!(
        (call.service, call.operation.as_str()),
        (Service::Ssm, "SendCommand")
    );
    let sqs = decode("AmazonSQS.SendMessage", "");
    assert_eq!(sqs.protocol, JSON_1_0);
    assert_eq!(sqs.call.unwrap().input, json!({}));
    for (target, body, code) in [
        ("AmazonSSM.SendCommand", "{", "SerializationException"),
        ("AmazonSSM.SendCommand", "[]", "SerializationException"),
        ("AWSEvents.PutEvents", "{}", "UnknownOperationException"),
        ("AmazonSSM", "{}", "UnknownOperationException"),
    ] {
        assert_eq!(decode(target, body).call.unwrap_err().code, code);
    }
}

fn body(response: &Response<Vec<u8>>) -> &str {
    std::str::from_utf8(response.body()).unwrap()
}

#[test]
fn another_service_hears_what_the_region_speaks() {
    let forms = request(&[FORM], "Action=DescribeInstances&Version=2016-11-15");
    let target = request(&[("x-amz-target", "AWSEvents.PutEvents")], "{}");
    let path = request(&[], "");
    for (request, operation) in [
        (forms, "DescribeInstances"),
        (target, "PutEvents"),
        (path, "POST"),
    ] {
        let error = decode(&request).call.unwrap_err();
        let expected =
            format!("does not support autoscaling:{operation}: it has autoscaling, ssm, sqs and");
        assert!(error.message.contains(&expected), "{error}");
    }
}

/// Each in the shape in which its client reads errors.
#[test]
fn another_service_s_client_can_read_the_refusal() {
    let signed = |service: &str, request: Request<Vec<u8>>| {
        let (mut parts, body) = request.into_parts();
        let scope =
            format!("AWS4-HMAC-SHA256 Credential=me/20261122/eu-west-1/{service}/aws4_request");
        parts
            .headers
            .insert("authorization", scope.parse().unwrap());
        let decoded = decode(&Request::from_parts(parts, body));
        encode(
            decoded.protocol,
            "",
            "id-6",
            &decoded.call.map(|_| Value::Null),
        )
    };
    let said = |service: &str, operation: &str| {
        format!(
            "the simulated region does not support {service}:{operation}: it has autoscaling, ssm, sqs and \
             sts:GetCallerIdentity"
        )
    };
    let form = |action: &str| request(&[FORM], &format!("Action={action}&Version=2016-11-15"));
    let ec2 = signed("ec2", form("DescribeInstances"));
    assert_eq!(
        body(&ec2),
        format!(
            "<Response><Errors><Error><Code>InvalidAction</Code><Message>{}</Message></Error></Errors>\
             <RequestID>id-6</RequestID></Response>",
            said("ec2", "DescribeInstances")
        )
    );
    let iam = signed("iam", form("ListRoles"));
    assert!(
        body(&iam).contains("<Code>InvalidAction</Code>"),
        "{}",
        body(&iam)
    );
    assert!(body(&iam).contains(&said("iam", "ListRoles")));
    let s3 = signed("s3", request(&[], ""));
    assert!(
        body(&s3).starts_with("<Error><Code>UnknownOperationException</Code>"),
        "{}",
        body(&s3)
    );
    let lambda = signed("lambda", request(&[], ""));
    assert_eq!(
        lambda.headers()["x-amzn-errortype"],
        "UnknownOperationException"
    );
    assert_eq!(
        serde_json::from_slice::<Value>(lambda.body()).unwrap(),
        json!({ "message": said("lambda", "POST") })
    );
}

#[test]
fn sts_has_a_namespace_of_its_own() {
    let asked = decode(&request(
        &[FORM],
        "Action=GetCallerIdentity&Version=2011-06-15",
    ));
    assert_eq!(asked.call.unwrap().service, Service::Sts);
    let answer = Ok(json!({ "Account": "123456789012" }));
    let response = encode(asked.protocol, "GetCallerIdentity", "id-1", &answer);
    assert!(
        body(&response).starts_with(
            "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
             <GetCallerIdentityResult><Account>123456789012</Account></GetCallerIdentityResult>"
        ),
        "{}",
        body(&response)
    );
}

#[test]
fn query_answers_are_xml() {
    let answer = Ok(json!({
        "Groups": [{"Empty": [], "Name": "a<b>&\"c\"", "None": null, "On": true, "Size": 3}],
        "NextToken": "t",
    }));
    let response = encode(AUTO_SCALING, "DescribeX", "id-1", &answer);
    assert_eq!(response.status(), 200);
    assert_eq!(
        body(&response),
        "<DescribeXResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
         <DescribeXResult><Groups><member><Empty/><Name>a&lt;b&gt;&amp;&quot;c&quot;</Name>\
         <On>true</On><Size>3</Size></member></Groups><NextToken>t</NextToken>\
         </DescribeXResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata>\
         </DescribeXResponse>"
    );
    let nothing = encode(AUTO_SCALING, "SetX", "id-2", &Ok(Value::Null));
    assert_eq!(
        body(&nothing),
        "<SetXResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\">\
         <ResponseMetadata><RequestId>id-2</RequestId></ResponseMetadata></SetXResponse>"
    );
}

#[test]
fn query_errors_are_xml() {
    let error = Err(CallError::validation("not < ok"));
    let response = encode(AUTO_SCALING, "X", "id-3", &error);
    assert_eq!(response.status(), 400);
    assert_eq!(
        body(&response),
        "<ErrorResponse xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/\"><Error>\
         <Type>Sender</Type><Code>ValidationError</Code><Message>not &lt; ok</Message></Error>\
         <RequestId>id-3</RequestId></ErrorResponse>"
    );
}

#[test]
fn json_errors_carry_the_type_and_sqs_its_old_code() {
    let error = Err(CallError::sender("QueueDoesNotExist", "gone"));
    let response = encode(JSON_1_0, "SendMessage", "id-4", &error);
    assert_eq!(
        response.headers()["x-amzn-query-error"],
        "AWS.SimpleQueueService.NonExistentQueue;Sender"
    );
    assert_eq!(response.headers()["x-amzn-requestid"], "id-4");
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap(),
        json!({"__type": "com.amazonaws.sqs#QueueDoesNotExist", "message": "gone"})
    );
    let error = Err(CallError::sender("AccessDeniedException", "no"));
    let response = encode(JSON_1_0, "SendMessage", "id-4", &error);
    assert_eq!(
        response.headers()["x-amzn-query-error"],
        "AccessDenied;Sender"
    );
    let error = Err(CallError::receiver("InternalServerError", "oops"));
    let response = encode(JSON_1_1, "SendCommand", "id-5", &error);
    assert_eq!(response.status(), 500);
    assert!(!response.headers().contains_key("x-amzn-query-error"));
    assert_eq!(
        serde_json::from_slice::<Value>(response.body()).unwrap(),
        json!({"__type": "InternalServerError", "message": "oops"})
    );
}
