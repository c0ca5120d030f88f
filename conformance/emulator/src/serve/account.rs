//! The emulated account that all services work on: its state in moto, what Terraform has applied to it, and who may do
//! what. It knows no service; services hold it and ask it.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use anyhow::Result;

use super::applied::AppliedPlatform;
use super::call::{ActionCall, Principal};
use super::faults::is_function;
use super::iam::{AccessDecision, RequestContext};
use super::moto::Moto;
use super::problems::Problems;
use super::recorder::{CallRecord, CallRecorder};
use crate::platform_file::PlatformFile;

/// One emulated account, which all services share.
pub struct EmulatedAccount {
    /// What `aws-emulator platform` wrote about the account.
    pub platform: PlatformFile,
    /// The copy of moto that keeps the account's state.
    pub moto: Moto,
    /// What happened and must not happen.
    pub problems: Problems,
    applied: RwLock<Arc<AppliedPlatform>>,
    recorder: CallRecorder,
    /// Functions that the scenario allows to be refused.
    refusable: Mutex<Vec<String>>,
}

/// A call that the policies don't allow.
#[derive(Debug, Clone)]
pub struct AccessDenied {
    /// The call that was refused.
    pub call: ActionCall,
    /// Whether a statement denies the call; otherwise no statement allows it.
    pub explicit: bool,
}

impl AccessDenied {
    /// The message in AWS's own words.
    pub fn message(&self) -> String {
        let ActionCall { principal, action, resource, .. } = &self.call;
        let why = match self.explicit {
            true => "with an explicit deny in a policy".to_owned(),
            false => format!("because no identity-based policy allows the {action} action"),
        };
        format!(
            "User: {} is not authorized to perform: {action} on resource: \"{resource}\" {why}",
            principal.caller_arn()
        )
    }
}

impl EmulatedAccount {
    /// Reads back what was applied. Calls are written to a file of this process in the folder `calls`.
    pub async fn load(platform: PlatformFile, moto: Moto, calls: &Path) -> Result<Self> {
        let applied = AppliedPlatform::load(&moto, &platform).await?;
        Ok(Self {
            platform,
            moto,
            problems: Problems::default(),
            applied: RwLock::new(Arc::new(applied)),
            recorder: CallRecorder::create(calls)?,
            refusable: Mutex::default(),
        })
    }

    /// What was applied, as it was last read.
    pub fn applied(&self) -> Arc<AppliedPlatform> {
        self.applied.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads again what was applied, after a scenario has changed it.
    pub async fn reload(&self) -> Result<()> {
        let applied = AppliedPlatform::load(&self.moto, &self.platform).await?;
        *self.applied.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(applied);
        Ok(())
    }

    /// Decides about the calls that one request needs, and records them. All have to be allowed; the error is the first
    /// one that isn't.
    pub fn authorize(&self, calls: &[ActionCall]) -> Result<(), AccessDenied> {
        let applied = self.applied();
        let mut refused = None;
        for call in calls {
            let decision = applied.policies.authorize(call);
            let function = call.principal.function();
            let expected = function.is_none_or(|name| self.may_be_refused(name));
            if let Err(error) = self.recorder.add(call, &decision, expected) {
                self.problems.add(format!("{error:#}"));
            }
            if decision.allowed() {
                continue;
            }
            let why = AccessDenied { call: call.clone(), explicit: matches!(decision, AccessDecision::Denied(_)) };
            if !expected {
                self.problems.add(format!("refused: {}", why.message()));
            }
            refused.get_or_insert(why);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Whether the function's resource policy lets a service invoke it on behalf of a resource of this account.
    pub fn may_invoke(&self, service: &str, function_arn: &str, source_arn: &str) -> bool {
        let context = RequestContext::new()
            .with("aws:SourceArn", source_arn)
            .with("aws:SourceAccount", &self.platform.account)
            .with("aws:SecureTransport", "true");
        let call = ActionCall {
            principal: Principal::Service { name: service.to_owned() },
            action: "lambda:InvokeFunction".to_owned(),
            resource: function_arn.to_owned(),
            context,
        };
        let allowed = self.authorize(&[call]).is_ok();
        if !allowed {
            self.problems.add(format!("{service} may not invoke {function_arn} for {source_arn}"));
        }
        allowed
    }

    /// The condition keys that every signed request has. `plain`: the request counts as sent without TLS.
    pub fn request_context(&self, plain: bool) -> RequestContext {
        RequestContext::new()
            .with("aws:SecureTransport", (!plain).to_string())
            .with("aws:SourceIp", "127.0.0.1")
            .with("aws:RequestedRegion", &self.platform.region)
            .with("aws:ResourceAccount", &self.platform.account)
    }

    /// From now on these functions may be refused, and no others.
    pub fn expect_refusals(&self, functions: Vec<String>) {
        *self.refusable.lock().unwrap_or_else(PoisonError::into_inner) = functions;
    }

    fn may_be_refused(&self, function: &str) -> bool {
        let refusable = self.refusable.lock().unwrap_or_else(PoisonError::into_inner);
        refusable.iter().any(|wanted| is_function(wanted, function))
    }

    /// All calls that were recorded so far.
    pub fn calls(&self) -> Vec<CallRecord> {
        self.recorder.all()
    }
}
