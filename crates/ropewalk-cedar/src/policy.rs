//! Cedar policies over an agent's tool calls.

use std::ffi::OsStr;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::SystemTime;

use cedar_policy::{Entities, Schema};
use ropewalk_core::{Error, ToolCallGuardEvent};

use crate::action::Actions;
use crate::load::{self, Loaded, Source, invalid};
use crate::principal::Principal;

/// Cedar policies over an agent's tool calls: see the [crate] for what they are asked and what
/// follows.
#[derive(Clone)]
pub struct CedarPolicy {
    pub(crate) name: String,
    pub(crate) loaded: Loaded,
    pub(crate) schema: Option<Schema>,
    pub(crate) entities: Entities,
    entities_json: Option<Source>,
    pub(crate) actions: Actions,
    pub(crate) principal: Option<Arc<FindPrincipal>>,
    pub(crate) clock: Option<fn() -> SystemTime>,
}

/// Finds for whom a call is made; none: for the agent itself.
pub(crate) type FindPrincipal = dyn Fn(&ToolCallGuardEvent) -> Option<Principal> + Send + Sync;

impl CedarPolicy {
    fn of(sources: Vec<Source>) -> Result<Self, Error> {
        Ok(Self {
            name: "cedar".to_owned(),
            loaded: load::parse(sources)?,
            schema: None,
            entities: Entities::empty(),
            entities_json: None,
            actions: Actions::default(),
            principal: None,
            clock: None,
        })
    }

    /// The policies in these files.
    ///
    /// # Errors
    /// A file can't be read, or is no Cedar; two policies have one id; one is a template. Each is
    /// named with its file and, where Cedar says it, its line.
    pub fn from_files<P: AsRef<Path>>(files: impl IntoIterator<Item = P>) -> Result<Self, Error> {
        let sources = files.into_iter().map(|file| Source::file(file.as_ref()));
        Self::of(sources.collect::<Result<_, _>>()?)
    }

    /// The policies in a folder: all its files named `*.cedar`, in the order of their names. A
    /// `schema.cedarschema` or `schema.cedarschema.json` and an `entities.json` that stand there are
    /// used too.
    ///
    /// # Errors
    /// The folder can't be read, holds no policy file or two schemas; else as for
    /// [`from_files`](Self::from_files), [`with_schema_file`](Self::with_schema_file) and
    /// [`with_entities_file`](Self::with_entities_file).
    pub fn from_dir(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let unreadable = |error: std::io::Error| {
            invalid(format!("the folder `{}` can't be read: {error}", folder.display()))
                .with_source(error)
        };
        let mut files: Vec<PathBuf> = Vec::new();
        for entry in std::fs::read_dir(folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.extension() == Some(OsStr::new("cedar")) && path.is_file() {
                files.push(path);
            }
        }
        if files.is_empty() {
            return Err(invalid(format!(
                "there is no policy in `{}`: policies stand in files named `*.cedar`",
                folder.display()
            )));
        }
        files.sort();
        let mut policy = Self::from_files(files)?;
        let schemas = ["schema.cedarschema", "schema.cedarschema.json"];
        let schemas: Vec<_> = schemas
            .map(|name| folder.join(name))
            .into_iter()
            .filter(|file| file.exists())
            .collect();
        match &schemas[..] {
            [] => {}
            [schema] => policy = policy.with_schema_file(schema)?,
            _ => {
                return Err(invalid(format!(
                    "there are two schemas in `{}`: keep one of `schema.cedarschema` and \
                     `schema.cedarschema.json`",
                    folder.display()
                )));
            }
        }
        let entities = folder.join("entities.json");
        if entities.exists() { policy.with_entities_file(entities) } else { Ok(policy) }
    }

    /// The name under which it stands in the list of interventions; `cedar` unless set.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = name.into();
        self
    }

    /// What the `action` of a call is; each tool's own unless set.
    #[must_use]
    pub fn with_actions(mut self, actions: Actions) -> Self {
        self.actions = actions;
        self
    }

    /// Finds for whom a call is made, instead of the invocation state's `principal`: where that comes
    /// from a place that tools and other hooks can't write to, as they can to that state. None: for the
    /// agent itself.
    ///
    /// ```
    /// use std::collections::HashMap;
    /// use ropewalk_cedar::{CedarPolicy, Principal};
    ///
    /// // The host knows whose runs these are.
    /// let tenants = HashMap::from([("run-17".to_owned(), "acme".to_owned())]);
    ///
    /// let policy: CedarPolicy = "permit (principal, action, resource);".parse()?;
    /// let policy = policy.with_principal(move |event| {
    ///     let tenant = tenants.get(event.run_id())?;
    ///     Some(Principal::new("Tenant", tenant.clone()))
    /// });
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_principal(
        mut self,
        find: impl Fn(&ToolCallGuardEvent) -> Option<Principal> + Send + Sync + 'static,
    ) -> Self {
        self.principal = Some(Arc::new(find));
        self
    }

    /// Tells policies the time, as `context.time`: `context.time < datetime("2030-01-01")`. Unless
    /// set there is no such attribute, as a schema that does not know it would refuse every call.
    ///
    /// ```
    /// use ropewalk_cedar::CedarPolicy;
    ///
    /// let policy: CedarPolicy = "permit (principal, action, resource);".parse()?;
    /// let policy = policy.with_clock(std::time::SystemTime::now);
    /// # Ok::<(), ropewalk_core::Error>(())
    /// ```
    #[must_use]
    pub fn with_clock(mut self, now: fn() -> SystemTime) -> Self {
        self.clock = Some(now);
        self
    }

    /// Checks the policies against a schema, in Cedar's notation or as JSON; from now on each call
    /// must fit it too, or is denied.
    ///
    /// # Errors
    /// The schema is none; policies or entities don't fit it: each is named with its file, line and
    /// policy.
    pub fn with_schema(self, schema: &str) -> Result<Self, Error> {
        let source = Source { name: "schema".to_owned(), ..Source::text(schema) };
        self.under(&source)
    }

    /// The same with the schema in a file.
    ///
    /// # Errors
    /// The file can't be read; else as for [`with_schema`](Self::with_schema).
    pub fn with_schema_file(self, file: impl AsRef<Path>) -> Result<Self, Error> {
        let source = Source::file(file.as_ref())?;
        self.under(&source)
    }

    fn under(mut self, source: &Source) -> Result<Self, Error> {
        let schema = load::schema(source)?;
        self.loaded.validate(&schema)?;
        self.schema = Some(schema);
        self.link()
    }

    /// Adds entities, in Cedar's JSON: who belongs to which group, which tool has which attributes.
    /// They take the place of those given before.
    ///
    /// # Errors
    /// They are no such JSON, or don't fit the schema.
    pub fn with_entities(mut self, json: &str) -> Result<Self, Error> {
        self.entities_json = Some(Source { name: "entities".to_owned(), ..Source::text(json) });
        self.link()
    }

    /// The same with the entities in a file.
    ///
    /// # Errors
    /// The file can't be read; else as for [`with_entities`](Self::with_entities).
    pub fn with_entities_file(mut self, file: impl AsRef<Path>) -> Result<Self, Error> {
        self.entities_json = Some(Source::file(file.as_ref())?);
        self.link()
    }

    /// Reads the entities under the schema: with one, its groups of actions are among them.
    fn link(mut self) -> Result<Self, Error> {
        let schema = self.schema.as_ref();
        let (name, json) = match &self.entities_json {
            Some(source) => (source.name.as_str(), source.text.as_str()),
            None => ("schema", "[]"),
        };
        self.entities = Entities::from_json_str(json, schema).map_err(|error| {
            invalid(format!("{name}: the entities can't be used: {}", load::whole(&error)))
        })?;
        Ok(self)
    }
}

impl FromStr for CedarPolicy {
    type Err = Error;

    fn from_str(policies: &str) -> Result<Self, Error> {
        Self::of(vec![Source::text(policies)])
    }
}

impl fmt::Debug for CedarPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CedarPolicy")
            .field("name", &self.name)
            .field("policies", &self.loaded.policies.num_of_policies())
            .field("schema", &self.schema.is_some())
            .field("entities", &self.entities.len())
            .field("actions", &self.actions)
            .finish_non_exhaustive()
    }
}
