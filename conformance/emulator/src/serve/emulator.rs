//! The emulated account, with everything that works on it.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use anyhow::{Context as _, Result};

use super::call::{Call, Principal};
use super::events::Delivery;
use super::faults::{Faults, is_function};
use super::functions::Functions;
use super::iam::{Context, Decision};
use super::keys::{AccessKey, Keys};
use super::moto::Moto;
use super::power::Power;
use super::problems::Problems;
use super::recorder::Recorder;
use super::socket::Gateway;
use super::wiring::Wiring;
use crate::platform_file::PlatformFile;

/// All of it.
pub struct Emulator {
    /// What `platform` has told.
    pub platform: PlatformFile,
    /// Where requests come in.
    pub address: SocketAddr,
    /// Where they come in without TLS.
    pub plain: SocketAddr,
    /// The state of the account.
    pub moto: Moto,
    /// Who can sign.
    pub keys: Keys,
    /// What is to go wrong.
    pub faults: Faults,
    /// What went wrong and must not have.
    pub problems: Problems,
    /// The functions, running.
    pub functions: Functions,
    /// How the bus delivers.
    pub delivery: Delivery,
    /// The WebSocket API's connections.
    pub gateway: Gateway,
    /// Whether there is any.
    pub power: Power,
    recorder: Recorder,
    wiring: RwLock<Arc<Wiring>>,
    /// Functions that the scenario lets be refused.
    refusable: Mutex<Vec<String>>,
}

/// A call that is not allowed.
#[derive(Debug, Clone)]
pub struct Refused {
    /// The call.
    pub call: Call,
    /// Whether a statement denies it; otherwise none allows it.
    pub explicit: bool,
}

impl Refused {
    /// As AWS says it.
    pub fn message(&self) -> String {
        let Call { principal, action, resource, .. } = &self.call;
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

impl Emulator {
    /// Puts it together; `keys` of the devices are added.
    pub fn new(parts: Parts) -> Result<Arc<Self>> {
        let recorder = Recorder::create(&parts.calls)?;
        let keys = Keys::default();
        for device in parts.platform.devices.values() {
            let principal = parts.wiring.policies.user(&device.user);
            let principal =
                principal.with_context(|| format!("the user {} of platform.json is not there", device.user))?;
            keys.add(AccessKey {
                id: device.access_key_id.clone(),
                secret: device.secret_access_key.clone(),
                token: None,
                principal,
                sandbox: None,
            });
        }
        Ok(Arc::new(Self {
            platform: parts.platform,
            address: parts.address,
            plain: parts.plain,
            moto: parts.moto,
            keys,
            faults: Faults::default(),
            problems: Problems::default(),
            functions: parts.functions,
            delivery: Delivery::default(),
            gateway: Gateway::default(),
            power: Power::default(),
            recorder,
            wiring: RwLock::new(Arc::new(parts.wiring)),
            refusable: Mutex::default(),
        }))
    }

    /// What was applied, as it was last read.
    pub fn wiring(&self) -> Arc<Wiring> {
        self.wiring.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads again what was applied: the scenario has changed it.
    pub async fn reload(&self) -> Result<()> {
        let wiring = Wiring::load(&self.moto, &self.platform).await?;
        *self.wiring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(wiring);
        Ok(())
    }

    /// Decides about calls and writes them down. All have to be allowed.
    pub fn authorize(&self, calls: &[Call]) -> Result<(), Refused> {
        let wiring = self.wiring();
        let mut refused = None;
        for call in calls {
            let decision = wiring.policies.authorize(call);
            let function = call.principal.function();
            let expected = function.is_none_or(|name| self.may_be_refused(name));
            if let Err(error) = self.recorder.add(call, &decision, expected) {
                self.problems.add(format!("{error:#}"));
            }
            if decision.allowed() {
                continue;
            }
            let why = Refused { call: call.clone(), explicit: matches!(decision, Decision::Denied(_)) };
            if !expected {
                self.problems.add(format!("refused: {}", why.message()));
            }
            refused.get_or_insert(why);
        }
        refused.map_or(Ok(()), Err)
    }

    /// Whether a service may invoke a function for something of this account: the function's resource policy says.
    pub fn may_invoke(&self, service: &str, function_arn: &str, source_arn: &str) -> bool {
        let context = Context::new()
            .with("aws:SourceArn", source_arn)
            .with("aws:SourceAccount", &self.platform.account)
            .with("aws:SecureTransport", "true");
        let call = Call {
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

    /// What every signed request says about itself.
    pub fn request_context(&self, plain: bool) -> Context {
        Context::new()
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

    /// All calls so far.
    pub fn calls(&self) -> Vec<super::recorder::Record> {
        self.recorder.all()
    }
}

/// What an [`Emulator`] is made of.
pub struct Parts {
    /// What `platform` has told.
    pub platform: PlatformFile,
    /// Where calls are written down.
    pub calls: PathBuf,
    /// Where requests come in.
    pub address: SocketAddr,
    /// Where they come in without TLS.
    pub plain: SocketAddr,
    /// The state of the account.
    pub moto: Moto,
    /// What was applied.
    pub wiring: Wiring,
    /// The functions.
    pub functions: Functions,
}

/// The time, as logs and events have it: `2026-01-02T03:04:05.678Z`.
pub fn timestamp(time: SystemTime) -> String {
    let format =
        time::macros::format_description!("[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]Z");
    time::OffsetDateTime::from(time).format(format).unwrap_or_default()
}
