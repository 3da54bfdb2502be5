//! What goes wrong at Bedrock or before it, and what it is called then.

use std::time::Duration;

use ropewalk_core::{Error, ErrorKind};
use ropewalk_models::BedrockModel;
use serde_json::{Value, json};

use super::{answer, builder, delta, exception, frame, start};
use crate::support::{Reply, Server, ask, collect};

async fn error_of(reply: Reply) -> Error {
    let server = Server::start([reply]).await;
    let (chunks, error) = collect(&builder(&server).build().unwrap(), ask("?")).await;
    assert!(chunks.is_empty());
    // Nothing is tried again behind the agent's back.
    assert_eq!(server.seen().len(), 1);
    error.unwrap()
}

async fn refused(status: u16, code: &str, message: &str) -> Error {
    let kind = format!("{code}:http://internal.amazon.com/coral/com.amazon.bedrock/");
    let headers = [("x-amzn-errortype", kind.as_str())];
    error_of(Reply::json(status, &headers, &json!({"message": message}).to_string())).await
}

#[tokio::test]
async fn refusals_have_the_kind_that_says_what_to_do() {
    use ErrorKind::*;
    let table = [
        (400, "ValidationException", "The provided model identifier is invalid.", InvalidRequest),
        (400, "ValidationException", "Input is too long for requested model.", ContextOverflow),
        (
            400,
            "ValidationException",
            "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
            ContextOverflow,
        ),
        (400, "ValidationException", "too many total text bytes: 99 > 9", ContextOverflow),
        (
            400,
            "ValidationException",
            "prompt is too long: 210000 tokens > 200000 maximum",
            ContextOverflow,
        ),
        (400, "ServiceQuotaExceededException", "over the quota", InvalidRequest),
        (403, "AccessDeniedException", "You don't have access to the model", Authentication),
        (403, "ExpiredTokenException", "The security token is expired", Authentication),
        (403, "UnrecognizedClientException", "The security token is invalid", Authentication),
        (403, "InvalidSignatureException", "The signature does not match", Authentication),
        (
            404,
            "ResourceNotFoundException",
            "This model version has reached its end",
            InvalidRequest,
        ),
        (408, "ModelTimeoutException", "took too long", Timeout),
        (424, "ModelErrorException", "the model failed", Unavailable),
        (
            429,
            "ThrottlingException",
            "Too many tokens, please wait before trying again.",
            Throttled,
        ),
        (429, "ModelNotReadyException", "The model is not ready", Unavailable),
        (500, "InternalServerException", "it broke", Unavailable),
        (503, "ServiceUnavailableException", "busy", Unavailable),
    ];
    for (status, code, message, kind) in table {
        let error = refused(status, code, message).await;
        assert_eq!(error.kind(), kind, "{error}");
        let text = error.to_string();
        for part in [message, code, &format!("HTTP {status}"), "bedrock:anthropic.claude-test-v1:0"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}

#[tokio::test]
async fn texts_say_what_to_do() {
    let text = refused(403, "AccessDeniedException", "no access").await.to_string();
    for part in [
        "eu-north-1",
        "`anthropic.claude-test-v1:0`",
        "Model access",
        "bedrock:InvokeModelWithResponseStream",
    ] {
        assert!(text.contains(part), "{text}");
    }
    let profile = "Invocation of model ID x with on-demand throughput isn’t supported. Retry your request with the \
        ID or ARN of an inference profile that contains this model.";
    let text = refused(400, "ValidationException", profile).await.to_string();
    assert!(text.contains("`us.anthropic.claude-test-v1:0`"), "{text}");
    let text = refused(404, "ResourceNotFoundException", "gone").await.to_string();
    assert!(
        text.contains("has no model `anthropic.claude-test-v1:0`") && text.contains("region"),
        "{text}"
    );
    let text = refused(403, "ExpiredTokenException", "old").await.to_string();
    assert!(text.contains("expired") && text.contains("Renew them"), "{text}");
    let long = "x".repeat(100_000);
    assert!(refused(500, "InternalServerException", &long).await.to_string().len() < 1_000);
    let text = error_of(Reply::json(502, &[], "<html>Bad gateway</html>")).await.to_string();
    assert!(text.contains("HTTP 502"), "{text}");
}

#[tokio::test]
async fn the_wait_that_bedrock_asks_for_is_kept() {
    let headers = [("x-amzn-errortype", "ThrottlingException"), ("retry-after", "2")];
    let error = error_of(Reply::json(429, &headers, "{\"message\": \"slow\"}")).await;
    assert_eq!(error.retry_after(), Some(Duration::from_secs(2)));
    assert!(error.is_throttled() && error.is_retryable());
}

#[tokio::test]
async fn a_refusal_that_breaks_off_keeps_its_status() {
    let headers = [("x-amzn-errortype", "ThrottlingException"), ("content-length", "900")];
    let error = error_of(Reply::json(429, &headers, "{\"message\":")).await;
    assert_eq!(error.kind(), ErrorKind::Throttled, "{error}");
}

/// What is wrong with the connections' settings shows at the first question, in their own words.
#[tokio::test]
async fn a_proxy_that_is_none_is_named() {
    let http = ropewalk_models::HttpClient::new().proxy("no proxy at all");
    let model = BedrockModel::builder("m.x").region("eu-west-1").api_key("key-123");
    let error = collect(&model.http_client(&http).build().unwrap(), ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(error.to_string().contains("proxy"), "{error}");
}

#[tokio::test]
async fn a_failure_in_mid_stream_ends_the_answer_after_what_came_before() {
    use ErrorKind::*;
    let message = |text: &str| json!({"message": text});
    let table = [
        ("throttlingException", message("Too many requests"), Throttled),
        ("serviceUnavailableException", message("busy"), Unavailable),
        ("internalServerException", message("it broke"), Unavailable),
        (
            "modelStreamErrorException",
            json!({"message": "failed", "originalStatusCode": 500, "originalMessage": "the real reason"}),
            Unavailable,
        ),
        ("validationException", message("Input is too long for requested model."), ContextOverflow),
        ("validationException", message("odd"), InvalidRequest),
        ("modelTimeoutException", message("slow"), Timeout),
        ("strangeException", message("who knows"), Unavailable),
    ];
    for (name, payload, kind) in table {
        let words = payload["originalMessage"].as_str().or(payload["message"].as_str()).unwrap();
        let words = words.to_owned();
        let (chunks, error) =
            answer(&[start(), delta(0, json!({"text": "a"})), exception(name, payload)]).await;
        let error = error.unwrap();
        assert_eq!((error.kind(), chunks.len()), (kind, 3), "{error}");
        let text = error.to_string();
        assert!(text.contains(&words) && text.contains(name), "{text}");
    }
    let headers = [
        (":message-type", "error"),
        (":error-code", "InternalError"),
        (":error-message", "An internal error occurred"),
    ];
    let (_, error) = answer(&[start(), frame(&headers, b"")]).await;
    let error = error.unwrap();
    assert_eq!(error.kind(), Unavailable);
    assert!(error.to_string().contains("An internal error occurred (InternalError)"), "{error}");
}

#[tokio::test]
async fn secrets_are_shown_nowhere() {
    let error = refused(403, "UnrecognizedClientException", "bad: very-secret-key").await;
    assert!(!format!("{error:?} {}", error.report()).contains("very-secret"), "{error:?}");
    let builder = BedrockModel::builder("m.x")
        .region("eu-west-1")
        .credentials("AKID", "very-secret-key")
        .session_token("other-secret-token")
        .api_key("third-secret-key");
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains("secret-"), "{shown}");
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_unavailable() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let model =
        BedrockModel::builder("m.x").endpoint_url(url).region("eu-west-1").api_key("key-123");
    let error = collect(&model.build().unwrap(), ask("?")).await.1.unwrap();
    assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
    assert!(
        error.to_string().contains("refused") && error.is_connection_refused(),
        "{}",
        error.report()
    );
}

#[test]
fn settings_that_cannot_work_are_refused() {
    let at = |model: &str| BedrockModel::builder(model).region("eu-west-1").api_key("k");
    for (builder, words) in [
        (at(" "), "id is empty"),
        (at("m").region("eu west"), "`eu west`"),
        (at("m").endpoint_url("me:hush@example.org"), "example.org"),
        (at("m").param("messages", 1), "`messages`"),
        (at("m").session_token("hush"), "session token"),
    ] {
        let error = builder.build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!format!("{error:?}").contains("hush"), "{error:?}");
    }
}

/// Runs the test `from_env_in_a_process_of_its_own` with these variables.
async fn from_env(server: &Server, variables: &[(&str, &str)]) -> String {
    let mut command = tokio::process::Command::new(std::env::current_exe().unwrap());
    command.args([
        "bedrock::errors::from_env_in_a_process_of_its_own",
        "--exact",
        "--ignored",
        "--nocapture",
    ]);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_"))
    {
        command.env_remove(name);
    }
    let output = command
        .env("HOME", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .env("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", &server.origin)
        .envs(variables.iter().copied())
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "part of `the_environment_is_read`"]
async fn from_env_in_a_process_of_its_own() {
    // Nothing is looked for before the model is asked.
    let model = BedrockModel::from_env("m.x").unwrap();
    match collect(&model, ask("?")).await.1 {
        Some(error) => println!("error: {:?}: {error}", error.kind()),
        None => println!("answered"),
    }
}

#[tokio::test]
async fn the_environment_is_read() {
    let answers = std::iter::repeat_with(|| super::reply(&super::hello())).take(4);
    let server = Server::start(answers).await;
    let text = from_env(&server, &[]).await;
    assert!(text.contains("error: Authentication") && text.contains("AWS_ACCESS_KEY_ID"), "{text}");
    assert!(
        text.contains("there are no AWS credentials") && text.contains("AWS_BEARER_TOKEN_BEDROCK"),
        "{text}"
    );

    let keys = [("AWS_ACCESS_KEY_ID", "AKIDENV"), ("AWS_SECRET_ACCESS_KEY", "hush")];
    assert!(from_env(&server, &keys).await.contains("answered"));
    let with_region = [keys[0], keys[1], ("AWS_REGION", "ap-south-1")];
    assert!(from_env(&server, &with_region).await.contains("answered"));
    let folder = std::env::temp_dir().join(format!("ropewalk-aws-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("config");
    std::fs::write(&file, "[profile work]\nregion = sa-east-1\naws_access_key_id = AKIDWORK\naws_secret_access_key = x\n")
        .unwrap();
    let profile = [("AWS_CONFIG_FILE", file.to_str().unwrap()), ("AWS_PROFILE", "work")];
    assert!(from_env(&server, &profile).await.contains("answered"));
    std::fs::remove_dir_all(&folder).unwrap();
    let bearer = [keys[0], keys[1], ("AWS_BEARER_TOKEN_BEDROCK", "bearer-1")];
    assert!(from_env(&server, &bearer).await.contains("answered"));

    let heads: Vec<String> = server.seen().into_iter().map(|seen| seen.head).collect();
    for (head, part) in heads.iter().zip([
        "credential=akidenv/",
        "/ap-south-1/bedrock/aws4_request",
        "credential=akidwork/",
        "authorization: bearer bearer-1",
    ]) {
        assert!(head.contains(part), "{part}: {head}");
    }
    assert!(heads[0].contains("/us-west-2/bedrock/"), "{}", heads[0]);
    assert!(heads[2].contains("/sa-east-1/bedrock/"), "{}", heads[2]);
}

#[test]
fn building_needs_no_runtime() {
    // No runtime: whatever waited or looked things up here would fail.
    let model = BedrockModel::from_env(BedrockModel::DEFAULT_MODEL).unwrap();
    assert!(format!("{model:?}").contains("global.anthropic.claude-sonnet-4-6"));
    ropewalk_models::BedrockModelBuilder::default().build().unwrap();
    let _: Value = json!(null);
}
