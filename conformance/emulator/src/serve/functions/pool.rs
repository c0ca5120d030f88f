//! A function's sandboxes: as many as run at once, kept for the next invocation.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::config::FunctionConfig;
use super::image::Image;
use super::invocation::{Invocation, Outcome};
use super::logs::Log;
use super::sandbox::{INIT_TIMEOUT, Sandbox, Spec};
use crate::serve::call::{Call, Principal};
use crate::serve::emulator::Emulator;

/// How often an invocation meets a sandbox that has just ended before it is called a failure.
const MAX_STARTS: u32 = 3;

/// The sandboxes of a function.
pub struct Pool {
    image: Image,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Sandbox>>,
    /// Folders of sandboxes whose function failed: Lambda starts it anew in the same place, where /tmp is as it was
    /// (docs.aws.amazon.com/lambda, runtime environment, failures during the invoke phase).
    left: Mutex<Vec<PathBuf>>,
    log: Arc<Log>,
}

impl Pool {
    /// With none.
    pub fn new(image: Image, permits: usize, log: Arc<Log>) -> Self {
        let permits = Arc::new(Semaphore::new(permits.max(1)));
        Self { image, permits, idle: Mutex::default(), left: Mutex::default(), log }
    }

    /// Waits for the right to run one invocation: first come, first served.
    pub async fn permit(&self) -> Option<OwnedSemaphorePermit> {
        self.permits.clone().acquire_owned().await.ok()
    }

    /// Takes all that wait for work.
    pub fn take_idle(&self) -> Vec<Sandbox> {
        std::mem::take(&mut *self.idle.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Takes what failed ones have left.
    pub fn take_left(&self) -> Vec<PathBuf> {
        std::mem::take(&mut *self.left.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn leave(&self, sandbox: &Sandbox) {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).extend(sandbox.left());
    }

    fn warm(&self) -> Option<Sandbox> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// Runs an invocation as soon as there is room for it.
pub async fn run(emulator: &Arc<Emulator>, config: &FunctionConfig, invocation: &Invocation) -> Outcome {
    let pool = match emulator.functions.pool(config) {
        Ok(pool) => pool,
        Err(error) => return broken(emulator, config, &error),
    };
    let Some(_permit) = pool.permit().await else { return Outcome::Exited("signal: killed".to_owned()) };
    run_now(emulator, config, &pool, invocation).await
}

/// Runs an invocation in a sandbox that waits for work, or in a new one.
pub async fn run_now(
    emulator: &Arc<Emulator>,
    config: &FunctionConfig,
    pool: &Pool,
    invocation: &Invocation,
) -> Outcome {
    let is_limited = config.is_image;
    let limit = emulator.functions.settings.attempt_limit.filter(|_| is_limited);
    let timeout = limit.map_or(config.timeout, |limit| limit.min(config.timeout));
    for _ in 0..MAX_STARTS {
        let (sandbox, init) = match take(emulator, config, pool, timeout).await {
            Ok(taken) => taken,
            Err(Start::Failed(outcome)) => return outcome,
            Err(Start::Impossible(error)) => return broken(emulator, config, &error),
        };
        pool.log.write(format!("START RequestId: {} Version: $LATEST", invocation.id).as_bytes());
        let began = Instant::now();
        let outcome = sandbox.invoke(invocation, timeout).await;
        let Some(outcome) = outcome else {
            emulator.functions.ended(sandbox.id());
            continue;
        };
        report(emulator, config, pool, &sandbox, invocation, &outcome, began.elapsed(), init);
        if sandbox.is_alive() {
            pool.idle.lock().unwrap_or_else(PoisonError::into_inner).push(sandbox);
        } else {
            emulator.functions.ended(sandbox.id());
            pool.leave(&sandbox);
        }
        return outcome;
    }
    Outcome::Exited("signal: killed".to_owned())
}

enum Start {
    /// The function does not start.
    Failed(Outcome),
    /// This machine can't start it.
    Impossible(anyhow::Error),
}

/// A sandbox that is ready, and how long its start took if it is new.
async fn take(
    emulator: &Arc<Emulator>,
    config: &FunctionConfig,
    pool: &Pool,
    timeout: Duration,
) -> Result<(Sandbox, Option<Duration>), Start> {
    while let Some(sandbox) = pool.warm() {
        if sandbox.is_alive() {
            return Ok((sandbox, None));
        }
        emulator.functions.ended(sandbox.id());
    }
    let mut patience = INIT_TIMEOUT;
    loop {
        let sandbox = start(emulator, config, pool).await.map_err(Start::Impossible)?;
        match sandbox.ready(patience).await {
            Ok(time) => return Ok((sandbox, Some(time))),
            Err(outcome) => {
                emulator.functions.ended(sandbox.id());
                pool.leave(&sandbox);
                let line =
                    format!("INIT_REPORT Init Duration: {} ms Phase: init Status: {outcome:?}", patience.as_millis());
                pool.log.write(line.as_bytes());
                // Lambda begins again, on the time of the invocation.
                if matches!(outcome, Outcome::TimedOut(_)) && patience < timeout {
                    patience = timeout;
                    continue;
                }
                return Err(Start::Failed(outcome));
            }
        }
    }
}

async fn start(emulator: &Arc<Emulator>, config: &FunctionConfig, pool: &Pool) -> Result<Sandbox> {
    let id = emulator.functions.next_id();
    let principal = assume(emulator, config)?;
    let stream =
        format!("{}/[$LATEST]{id:032x}", &crate::serve::emulator::timestamp(std::time::SystemTime::now())[..10]);
    allow_logs(emulator, config, &principal, &stream);
    let key = emulator.keys.of_session(principal, id)?;
    let region = emulator.platform.region.clone();
    let mut environment = addressed(emulator, config);
    for (name, value) in [
        ("AWS_REGION", region.clone()),
        ("AWS_DEFAULT_REGION", region),
        ("AWS_ACCESS_KEY_ID", key.id.clone()),
        ("AWS_SECRET_ACCESS_KEY", key.secret),
        ("AWS_SESSION_TOKEN", key.token.unwrap_or_default()),
        ("AWS_ENDPOINT_URL", format!("http://{}", emulator.address)),
        ("AWS_LAMBDA_FUNCTION_NAME", config.name.clone()),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", config.memory.to_string()),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
        ("AWS_LAMBDA_INITIALIZATION_TYPE", "on-demand".to_owned()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", config.log_group.clone()),
        ("AWS_LAMBDA_LOG_STREAM_NAME", stream),
        ("LAMBDA_TASK_ROOT", "/mnt/task".to_owned()),
        ("TZ", ":UTC".to_owned()),
    ] {
        environment.insert(name.to_owned(), value);
    }
    let settings = &emulator.functions.settings;
    let left = pool.left.lock().unwrap_or_else(PoisonError::into_inner).pop();
    let new = || settings.folder.join("sandboxes").join(format!("{}-{id}", config.name));
    let spec = Spec {
        id,
        config,
        image: &pool.image,
        environment,
        folder: left.unwrap_or_else(new),
        tmp_size: settings.tmp_size.filter(|_| config.is_image),
        log: pool.log.clone(),
    };
    let sandbox = Sandbox::start(spec).await?;
    emulator.functions.started(id, &config.name, sandbox.handle().clone());
    Ok(sandbox)
}

/// Becomes the function's role, if its trust policy lets Lambda.
fn assume(emulator: &Emulator, config: &FunctionConfig) -> Result<Principal> {
    let wiring = emulator.wiring();
    let principal = wiring.policies.session(&config.role_arn, &config.name);
    let principal =
        principal.with_context(|| format!("the role {} of {} is not there", config.role_arn, config.name))?;
    let call = Call {
        principal: Principal::Service { name: "lambda.amazonaws.com".to_owned() },
        action: "sts:AssumeRole".to_owned(),
        resource: config.role_arn.clone(),
        context: emulator.request_context(false),
    };
    let assumed = emulator.authorize(&[call]);
    assumed
        .map_err(|refused| anyhow::anyhow!(refused.message()))
        .context("Lambda may not assume the function's role")?;
    Ok(principal)
}

/// What Lambda does with the function's role to keep its log. Without the right, the log is lost and the function runs
/// all the same; here that is a mistake of the platform's.
fn allow_logs(emulator: &Emulator, config: &FunctionConfig, principal: &Principal, stream: &str) {
    let group = config.log_group_arn();
    let call = |action: &str, resource: String| Call {
        principal: principal.clone(),
        action: action.to_owned(),
        resource,
        context: emulator.request_context(false),
    };
    let stream = format!("{group}:log-stream:{stream}");
    let mut calls = vec![call("logs:CreateLogStream", stream.clone()), call("logs:PutLogEvents", stream)];
    if !config.has_log_group {
        calls.insert(0, call("logs:CreateLogGroup", format!("{group}:*")));
    }
    if emulator.authorize(&calls).is_err() {
        emulator.problems.add(format!("the log of {} is lost: its role may not write it", config.name));
    }
}

/// The function's own variables; names that only AWS's DNS knows become addresses of this emulator.
fn addressed(emulator: &Emulator, config: &FunctionConfig) -> BTreeMap<String, String> {
    let region = &emulator.platform.region;
    let suffix = format!(".execute-api.{region}.amazonaws.com");
    let address = |value: &String| -> Option<String> {
        let (api, path) = value.strip_prefix("https://")?.split_once(&suffix)?;
        (!api.contains('/')).then(|| format!("http://{}/execute-api/{api}{path}", emulator.address))
    };
    let own = config.environment.iter();
    own.map(|(name, value)| (name.clone(), address(value).unwrap_or_else(|| value.clone()))).collect()
}

#[expect(clippy::too_many_arguments, reason = "everything a report has")]
fn report(
    emulator: &Emulator,
    config: &FunctionConfig,
    pool: &Pool,
    sandbox: &Sandbox,
    invocation: &Invocation,
    outcome: &Outcome,
    time: Duration,
    init: Option<Duration>,
) {
    let peak = sandbox.handle().namespace().peak_memory().map_or(0, |bytes| bytes / (1024 * 1024));
    let init = init.map(|time| format!("\tInit Duration: {:.2} ms", time.as_secs_f64() * 1e3)).unwrap_or_default();
    let status = match outcome {
        Outcome::Answered(_) => String::new(),
        other => format!("\tStatus: {}", other.error(&invocation.id).unwrap_or_default()),
    };
    let line = format!(
        "REPORT RequestId: {}\tDuration: {:.2} ms\tMemory Size: {} MB\tMax Memory Used: {peak} MB{init}{status}",
        invocation.id,
        time.as_secs_f64() * 1e3,
        config.memory,
    );
    pool.log.write(line.as_bytes());
    if let Some(text) = pool.log.take_panic() {
        emulator.problems.add(format!("{} has panicked: {text}", config.name));
    }
}

/// This machine, or the platform, can't run the function at all.
fn broken(emulator: &Emulator, config: &FunctionConfig, error: &anyhow::Error) -> Outcome {
    emulator.problems.add(format!("{} can't be run: {error:#}", config.name));
    let text = format!("{error:#}");
    Outcome::Failed(serde_json::json!({ "errorType": "AccessDeniedException", "errorMessage": text }))
}
