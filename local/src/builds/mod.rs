//! Builds, from the upload of the source to the published result.

mod build;
mod log;
mod outputs;
mod projects;
mod queue;
mod record;
mod recovery;
mod result;
mod retention;
mod run;

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant, SystemTime};

use builder::Engine;
use builder::lifecycle::{Abort, StopReason};
use protocol::{BuildId, BuildResult, Capabilities, InvalidRequest, Owner, RequestHead, Status, keys, limits};
use thiserror::Error;
use tokio::sync::{Mutex, Notify};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{info, warn};

use crate::files;
use crate::objects::{BucketKind, Objects, blocking};
pub(crate) use build::{BuildHandle, Pulse};
pub(crate) use log::LogReader;
use projects::Projects;
use queue::Queue;
use record::StoredBuild;

/// The reason why an uploaded source starts no build.
#[derive(Debug, Error)]
pub(crate) enum AcceptError {
    #[error("a build with this id exists already")]
    Known,
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Limits on the number of builds and on the duration of an attempt.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BuildLimits {
    /// The most builds that run at the same time.
    pub jobs: usize,
    /// The longest that one attempt may take; none for no limit.
    pub attempt: Option<Duration>,
}

/// The folders in which builds keep their files.
#[derive(Debug, Clone)]
pub(crate) struct BuildFolders {
    /// Records and event logs: `<owner>/<id>/`.
    pub builds: PathBuf,
    /// Outputs of attempts, until they are moved into the output bucket.
    pub attempts: PathBuf,
    /// Notes that record when each project was last built.
    pub projects: PathBuf,
}

/// A build that waits or runs.
#[derive(Debug, Clone)]
struct Job {
    build: Arc<BuildHandle>,
    record: StoredBuild,
    since: Instant,
}

impl PartialEq for Job {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.build, &other.build)
    }
}

/// All builds of this backend: waiting, running and ended ones.
pub(crate) struct Builds {
    folders: BuildFolders,
    objects: Objects,
    engine: Arc<Engine>,
    projects: Arc<Projects>,
    limits: BuildLimits,
    /// Builds that are in use. Each has one shared [`BuildHandle`].
    open: Mutex<HashMap<(Owner, BuildId), Weak<BuildHandle>>>,
    /// Locked while queue positions are announced, so that no build starts and numbers its own events before its
    /// position event is written.
    queue: Mutex<Queue<Job>>,
    /// Notified when a build is queued or has ended.
    changed: Notify,
    tasks: TaskTracker,
    stopping: CancellationToken,
}

impl Builds {
    /// Creates an empty set of builds. [`Builds::recover`] adds those of earlier runs.
    pub fn new(folders: BuildFolders, objects: Objects, engine: Engine, limits: BuildLimits) -> Arc<Self> {
        let projects = Arc::new(Projects::new(folders.projects.clone()));
        Arc::new(Self {
            folders,
            projects,
            objects,
            engine: Arc::new(engine),
            limits,
            open: Mutex::default(),
            queue: Mutex::new(Queue::new(limits.jobs)),
            changed: Notify::new(),
            tasks: TaskTracker::new(),
            stopping: CancellationToken::new(),
        })
    }

    /// Returns the build with this id, even if its source was not uploaded yet.
    pub async fn open(&self, owner: &Owner, id: &BuildId) -> io::Result<Arc<BuildHandle>> {
        let mut open = self.open.lock().await;
        let key = (owner.clone(), id.clone());
        if let Some(build) = open.get(&key).and_then(Weak::upgrade) {
            return Ok(build);
        }
        open.retain(|_, build| build.strong_count() > 0);
        let result = self.stored_result(owner, id).await?;
        let build = Arc::new(BuildHandle::open(owner.clone(), id.clone(), self.folder(owner, id), result).await?);
        open.insert(key, Arc::downgrade(&build));
        Ok(build)
    }

    /// Whether a build with this id was ever received.
    pub async fn is_known(&self, owner: &Owner, id: &BuildId) -> io::Result<bool> {
        let folder = self.folder(owner, id);
        blocking(move || Ok(StoredBuild::exists(&folder))).await
    }

    /// Whether the id belongs to a build of another owner.
    pub async fn is_anothers(&self, owner: &Owner, id: &BuildId) -> io::Result<bool> {
        let (root, owner, id) = (self.folders.builds.clone(), owner.clone(), id.clone());
        blocking(move || {
            for entry in root.read_dir()? {
                let entry = entry?;
                if entry.file_name() != *owner.as_str() && StoredBuild::exists(&entry.path().join(id.as_str())) {
                    return Ok(true);
                }
            }
            Ok(false)
        })
        .await
    }

    /// Records an uploaded source as a build, then queues or refuses the build. A recorded build survives a restart.
    pub async fn receive(
        self: &Arc<Self>,
        owner: &Owner,
        id: &BuildId,
        size: u64,
        metadata: BTreeMap<String, String>,
    ) -> Result<(), AcceptError> {
        let build = self.open(owner, id).await?;
        let record =
            StoredBuild { version: 1, size, received: protocol::unix_millis(SystemTime::now()), metadata, attempt: 0 };
        let folder = build.folder().to_owned();
        let stored = record.clone();
        let new = blocking(move || {
            if StoredBuild::exists(&folder) {
                return Ok(false);
            }
            files::make_private_folder(&folder)?;
            stored.save(&folder)?;
            Ok(true)
        });
        if !new.await? {
            return Err(AcceptError::Known);
        }
        if let Err(error) = build.post_status(Status::Received).await {
            // The client sees that the upload failed and may send it again, so the record must not stay.
            let folder = build.folder().to_owned();
            blocking(move || files::remove_folder_if_there(&folder)).await?;
            return Err(error.into());
        }
        info!(%owner, build = %id, size, "received");
        self.admit(build, record).await;
        Ok(())
    }

    /// Queues a build, or refuses an invalid request.
    async fn admit(self: &Arc<Self>, build: Arc<BuildHandle>, record: StoredBuild) {
        if let Err(why) = self.check(&record) {
            self.abort(&build, 0, Abort::Refused(why.to_string()), None).await;
            return;
        }
        self.queue.lock().await.push(Job { build, record, since: Instant::now() });
        self.changed.notify_one();
    }

    fn check(&self, record: &StoredBuild) -> Result<(), InvalidRequest> {
        let head = RequestHead::decode(&record.metadata)?;
        protocol::admit(&head, record.size, Some(&self.capabilities()))
    }

    /// What this backend can build at the moment.
    pub fn capabilities(&self) -> Capabilities {
        self.engine.capabilities()
    }

    /// Starts waiting builds when others end and announces queue positions, until the backend is stopped.
    pub async fn dispatch(self: Arc<Self>) {
        while !self.stopping.is_cancelled() {
            self.start_next().await;
            tokio::select! {
                () = self.changed.notified() => {}
                () = self.stopping.cancelled() => {}
            }
        }
    }

    async fn start_next(self: &Arc<Self>) {
        let mut queue = self.queue.lock().await;
        // Checked under the lock: `stop` finds and cancels every build that started before.
        if self.stopping.is_cancelled() {
            return;
        }
        while let Some(job) = queue.start() {
            let builds = self.clone();
            self.tasks.spawn(async move {
                builds.run(&job).await;
                builds.queue.lock().await.done(&job);
                builds.changed.notify_one();
            });
        }
        for (job, place) in queue.changed_places() {
            if let Err(error) = job.build.post_status(Status::Queued { place }).await {
                warn!(build = %job.build.id, %error, "the event log can't be written");
            }
        }
    }

    /// Cancels a build whose source was deleted, unless it has already ended.
    pub async fn cancel(self: &Arc<Self>, owner: &Owner, id: &BuildId) -> io::Result<()> {
        let build = self.open(owner, id).await?;
        if build.has_ended() || !self.is_known(owner, id).await? {
            return Ok(());
        }
        build.cancel.cancel();
        if self.queue.lock().await.remove(|job| Arc::ptr_eq(&job.build, &build)) {
            self.abort(&build, 0, Abort::Stopped, Some(StopReason::SourceDeleted)).await;
            self.changed.notify_one();
        }
        Ok(())
    }

    /// Cancels running builds and waits for their results, for at most `patience`. Queued builds run after the next
    /// start.
    pub async fn stop(&self, patience: Duration) {
        self.stopping.cancel();
        for job in self.queue.lock().await.running() {
            job.build.cancel.cancel();
        }
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            warn!("some builds could not be stopped in time; they get their result at the next start");
        }
    }

    fn folder(&self, owner: &Owner, id: &BuildId) -> PathBuf {
        self.folders.builds.join(owner.as_str()).join(id.as_str())
    }

    async fn stored_result(&self, owner: &Owner, id: &BuildId) -> io::Result<Option<BuildResult>> {
        let Ok(key) = keys::result(owner, id).parse() else { return Ok(None) };
        let Some(json) = self.objects.read(BucketKind::Output, &key, limits::MAX_RESULT_BYTES).await? else {
            return Ok(None);
        };
        Ok(Some(serde_json::from_slice(&json)?))
    }
}
