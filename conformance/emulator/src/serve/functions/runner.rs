//! Runs invocations: finds a sandbox that is ready, or starts one, and reports how the invocation ended.

use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use anyhow::{Context, Result};
use serde_json::json;

use super::image::{Image, ImageVariable};
use super::invocation::{FunctionInvocation, InvocationOutcome};
use super::live::LiveSandboxes;
use super::logs::FunctionLog;
use super::pool::Pool;
use super::role;
use super::sandbox::{INIT_TIMEOUT, Sandbox, SandboxSpec};
use crate::serve::account::EmulatedAccount;
use crate::serve::applied::functions::FunctionConfig;
use crate::serve::faults::is_function;
use crate::serve::keys::KeyStore;
use crate::serve::timestamp::timestamp;

/// How often an invocation may meet a sandbox that has just ended before it counts as failed.
const MAX_STARTS: u32 = 3;

/// How the functions run in this scenario.
#[derive(Debug, Clone)]
pub struct RunnerSettings {
    /// Invocations of each container function at once.
    pub jobs: usize,
    /// Invocations of each other function at once.
    pub small_jobs: usize,
    /// The longest an invocation of a container function may take, if its own time-out is longer.
    pub attempt_limit: Option<Duration>,
    /// The size of a container function's /tmp in bytes; `None` for no limit.
    pub tmp_size: Option<u64>,
    /// Variables that the images of functions set.
    pub variables: Vec<ImageVariable>,
    /// The functions' programs, by the functions' names.
    pub programs: BTreeMap<String, PathBuf>,
    /// The folder for logs and sandboxes.
    pub folder: PathBuf,
}

/// Runs the invocations of all functions.
pub struct Runner {
    /// The sandboxes that exist now.
    pub live: LiveSandboxes,
    account: Arc<EmulatedAccount>,
    keys: Arc<KeyStore>,
    /// Where this emulator answers requests to AWS.
    endpoint: SocketAddr,
    settings: RunnerSettings,
    pools: Mutex<HashMap<String, Arc<Pool>>>,
}

/// A sandbox that is ready for an invocation.
struct ReadySandbox {
    sandbox: Sandbox,
    /// How long its start took, if it is new.
    init: Option<Duration>,
}

/// Why there is no sandbox for an invocation.
enum StartError {
    /// The function does not start.
    Function(InvocationOutcome),
    /// This machine, or the platform, can't start it.
    Platform(anyhow::Error),
}

impl Runner {
    /// A runner without sandboxes. The functions send their requests to AWS to `endpoint`.
    pub fn new(
        account: Arc<EmulatedAccount>,
        keys: Arc<KeyStore>,
        endpoint: SocketAddr,
        settings: RunnerSettings,
    ) -> Self {
        Self { live: LiveSandboxes::default(), account, keys, endpoint, settings, pools: Mutex::default() }
    }

    /// The pool of a function; an error when its program is unknown.
    pub fn pool(&self, config: &FunctionConfig) -> Result<Arc<Pool>> {
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pool) = pools.get(&config.name) {
            return Ok(pool.clone());
        }
        let program = self.settings.programs.get(&config.name);
        let program =
            program.with_context(|| format!("platform.json names no program for the function {}", config.name))?;
        let (image, permits) = if config.is_image {
            let variables = self.settings.variables.iter().filter(|one| is_function(&one.function, &config.name));
            (Image::container(program, variables), self.settings.jobs)
        } else {
            (Image::archive(program), self.settings.small_jobs)
        };
        let log = Arc::new(FunctionLog::open(&self.settings.folder.join("logs"), &config.name)?);
        let pool = Arc::new(Pool::new(image, permits, log));
        pools.insert(config.name.clone(), pool.clone());
        Ok(pool)
    }

    /// All pools that exist so far.
    pub fn pools(&self) -> Vec<Arc<Pool>> {
        self.pools.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Runs an invocation as soon as the function's pool has room for it.
    pub async fn run(&self, config: &FunctionConfig, invocation: &FunctionInvocation) -> InvocationOutcome {
        let pool = match self.pool(config) {
            Ok(pool) => pool,
            Err(error) => return self.platform_error(config, &error),
        };
        let Some(_permit) = pool.permit().await else {
            return InvocationOutcome::Exited("signal: killed".to_owned());
        };
        self.run_now(config, &pool, invocation).await
    }

    /// Runs an invocation in an idle sandbox or in a new one. The caller holds a permit of the pool.
    pub async fn run_now(
        &self,
        config: &FunctionConfig,
        pool: &Pool,
        invocation: &FunctionInvocation,
    ) -> InvocationOutcome {
        let limit = self.settings.attempt_limit.filter(|_| config.is_image);
        let timeout = limit.map_or(config.timeout, |limit| limit.min(config.timeout));
        for _ in 0..MAX_STARTS {
            let ReadySandbox { sandbox, init } = match self.take(config, pool, timeout).await {
                Ok(ready) => ready,
                Err(StartError::Function(outcome)) => return outcome,
                Err(StartError::Platform(error)) => return self.platform_error(config, &error),
            };
            pool.log.write(format!("START RequestId: {} Version: $LATEST", invocation.id).as_bytes());
            let began = Instant::now();
            let outcome = sandbox.invoke(invocation, timeout).await;
            let Some(outcome) = outcome else {
                self.live.forget(sandbox.id());
                continue;
            };
            let peak_memory = sandbox.handle().namespace().peak_memory();
            let line = report_line(
                invocation,
                config,
                &outcome,
                &InvocationUsage { time: began.elapsed(), init, peak_memory },
            );
            pool.log.write(line.as_bytes());
            if let Some(text) = pool.log.take_panic() {
                self.account.problems.add(format!("{} has panicked: {text}", config.name));
            }
            if sandbox.is_alive() {
                pool.put_back(sandbox);
            } else {
                self.live.forget(sandbox.id());
                pool.keep_folder(&sandbox);
            }
            return outcome;
        }
        InvocationOutcome::Exited("signal: killed".to_owned())
    }

    /// A sandbox that is ready: an idle one, or else a new one.
    async fn take(&self, config: &FunctionConfig, pool: &Pool, timeout: Duration) -> Result<ReadySandbox, StartError> {
        while let Some(sandbox) = pool.take_one() {
            if sandbox.is_alive() {
                return Ok(ReadySandbox { sandbox, init: None });
            }
            self.live.forget(sandbox.id());
        }
        let mut limit = INIT_TIMEOUT;
        loop {
            let sandbox = self.start(config, pool).await.map_err(StartError::Platform)?;
            match sandbox.ready(limit).await {
                Ok(time) => return Ok(ReadySandbox { sandbox, init: Some(time) }),
                Err(outcome) => {
                    self.live.forget(sandbox.id());
                    pool.keep_folder(&sandbox);
                    let line =
                        format!("INIT_REPORT Init Duration: {} ms Phase: init Status: {outcome:?}", limit.as_millis());
                    pool.log.write(line.as_bytes());
                    // Lambda starts the function again, on the time of the invocation.
                    if matches!(outcome, InvocationOutcome::TimedOut(_)) && limit < timeout {
                        limit = timeout;
                        continue;
                    }
                    return Err(StartError::Function(outcome));
                }
            }
        }
    }

    async fn start(&self, config: &FunctionConfig, pool: &Pool) -> Result<Sandbox> {
        let id = self.live.next_id();
        let principal = role::assume(&self.account, config)?;
        let stream = format!("{}/[$LATEST]{id:032x}", &timestamp(SystemTime::now())[..10]);
        role::check_log_access(&self.account, config, &principal, &stream);
        let key = self.keys.add_session(principal, id)?;
        let region = self.account.platform.region.clone();
        let mut environment = self.own_variables(config);
        for (name, value) in [
            ("AWS_REGION", region.clone()),
            ("AWS_DEFAULT_REGION", region),
            ("AWS_ACCESS_KEY_ID", key.id),
            ("AWS_SECRET_ACCESS_KEY", key.secret),
            ("AWS_SESSION_TOKEN", key.token.unwrap_or_default()),
            ("AWS_ENDPOINT_URL", format!("http://{}", self.endpoint)),
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
        let new = || self.settings.folder.join("sandboxes").join(format!("{}-{id}", config.name));
        let spec = SandboxSpec {
            id,
            config,
            image: &pool.image,
            environment,
            folder: pool.take_folder().unwrap_or_else(new),
            tmp_size: self.settings.tmp_size.filter(|_| config.is_image),
            log: pool.log.clone(),
        };
        let sandbox = Sandbox::start(spec).await?;
        self.live.add(id, &config.name, sandbox.handle().clone());
        Ok(sandbox)
    }

    /// The function's own variables. Addresses that only AWS's DNS knows become addresses of this emulator.
    fn own_variables(&self, config: &FunctionConfig) -> BTreeMap<String, String> {
        let suffix = format!(".execute-api.{}.amazonaws.com", self.account.platform.region);
        let address = |value: &String| -> Option<String> {
            let (api, path) = value.strip_prefix("https://")?.split_once(&suffix)?;
            (!api.contains('/')).then(|| format!("http://{}/execute-api/{api}{path}", self.endpoint))
        };
        let own = config.environment.iter();
        own.map(|(name, value)| (name.clone(), address(value).unwrap_or_else(|| value.clone()))).collect()
    }

    /// The outcome when this machine, or the platform, can't run the function at all.
    fn platform_error(&self, config: &FunctionConfig, error: &anyhow::Error) -> InvocationOutcome {
        self.account.problems.add(format!("{} can't be run: {error:#}", config.name));
        let text = format!("{error:#}");
        InvocationOutcome::Failed(json!({ "errorType": "AccessDeniedException", "errorMessage": text }))
    }
}

/// What one invocation has used.
struct InvocationUsage {
    time: Duration,
    /// How long the start of the sandbox took, if it was new.
    init: Option<Duration>,
    /// Bytes, when they are known.
    peak_memory: Option<u64>,
}

/// Lambda's own line about an invocation.
fn report_line(
    invocation: &FunctionInvocation,
    config: &FunctionConfig,
    outcome: &InvocationOutcome,
    usage: &InvocationUsage,
) -> String {
    let peak = usage.peak_memory.map_or(0, |bytes| bytes / (1024 * 1024));
    let init = usage.init.map(|time| format!("\tInit Duration: {:.2} ms", time.as_secs_f64() * 1e3));
    let status = match outcome {
        InvocationOutcome::Answered(_) => String::new(),
        other => format!("\tStatus: {}", other.error(&invocation.id).unwrap_or_default()),
    };
    format!(
        "REPORT RequestId: {}\tDuration: {:.2} ms\tMemory Size: {} MB\tMax Memory Used: {peak} MB{}{status}",
        invocation.id,
        usage.time.as_secs_f64() * 1e3,
        config.memory,
        init.unwrap_or_default(),
    )
}
