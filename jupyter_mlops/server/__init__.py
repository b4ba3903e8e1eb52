"""The Jupyter server extension: REST over the workspace, and news of what changed.

All addresses lie below ``<base url>/jupyter-mlops/api/``. Every verb needs a login and the Authorizer's
consent on the resource ``jupyter_mlops`` (``read`` for GET, ``execute`` for what runs code: submitting,
reproducing, resuming and running a schedule; ``write`` for the others); cookies need the XSRF token as
well. Bodies are the JSON of the entities (``wire.to_json``); an id may be given by its end (4 characters or
more). Errors are ``{code, message}``, with the status that ``problems`` lists by code.

====== ============================ ==================================== ==============================
verb   address                      takes                                answers
====== ============================ ==================================== ==============================
GET    runs                         ?filter= order_by= limit= offset=    RunPage
                                    archived=0|1
GET    table                        ?filter= order_by= limit=            the runs as CSV
                                    archived=0|1
GET    histories                    ?run= run= name= name= max_points=   {histories: [History]}, without
                                                                         what is not there
GET    runs/ID                                                           RunDetail; of long outputs both
                                                                         ends
PATCH  runs/ID                      {name?, note?, tags?, archived?};    Run
                                    a tag of null goes
GET    runs/ID/history              ?name= max_points=                   History
GET    runs/ID/lineage                                                   Lineage
GET    runs/ID/artifacts/NAME                                            the bytes, as an attachment
GET    runs/ID/outputs/POSITION                                          the whole of one output
GET    runs/ID/captured/DIGEST                                           a file captured with the run
GET    runs/ID/cells                                                     {cells: [...]} executed before
GET    runs/ID/export                                                    the run as a zip file
GET    runs/ID/reproductions                                             {reproductions: [Reproduction]}
POST   runs/ID/reproductions        {tolerance?, gpus?, cpus?, memory?,  202 Reproduction
                                    time?}
GET    experiments                                                       {experiments: [name]}
GET    compare                      ?a= b=                               Comparison
GET    compare/table                ?run= run= run=                      RunTable
GET    compare/figures              ?run= run= run=                      FigureTable
GET    compare/parallel             ?run= run= or ?filter= order_by=     ParallelCoordinates
                                    limit= archived=0|1
GET    jobs                         ?status= sweep_id= schedule_id=      {jobs: [Job]}
                                    limit= offset=
POST   jobs                         {path, name?, params?, gpus?,        201 {jobs: [Job], sweep_id,
                                    gpu_memory?, cpus?, memory?, time?,  sweep, schedule, notes}; with
                                    priority?, retries?, retry_on?,      cron it is a schedule
                                    retry_delay?, executor?, options?,
                                    after?, after_any?, returns?,
                                    include?, exclude?, dry_run?,
                                    trials?, goal?, sampler?, pruner?,
                                    seed?, parallel?, cron?, timezone?,
                                    catch_up?, overlap?}
GET    jobs/ID                                                           Job
POST   jobs/ID/cancel                                                    Job
GET    jobs/ID/log                  ?offset= limit= (bytes)              LogChunk
GET    jobs/ID/notebook                                                  the executed notebook, or as
                                                                         much of it as there is
GET    jobs/ID/lineage                                                   Lineage
GET    sweeps                       ?status= limit= offset=              {sweeps: [Sweep]}, newest first
GET    sweeps/ID                                                         SweepDetail
POST   sweeps/ID/cancel                                                  Sweep
GET    schedules                    ?enabled=0|1 limit= offset=          {schedules: [Schedule]}, newest
                                                                         first
GET    schedules/ID                                                      ScheduleDetail
DELETE schedules/ID                                                      Schedule, as it was; its runs
                                                                         stay
POST   schedules/ID/pause                                                Schedule
POST   schedules/ID/resume                                               Schedule
POST   schedules/ID/run                                                  201 Job: one run more, at once
GET    notebooks/parameters         ?path=                               {parameters: [Parameter], tagged,
                                                                         proposals: [Proposal], language,
                                                                         gpus, virtual, executors,
                                                                         timezone}
GET    notebooks/parameters/cell    ?path= name=... (once a name)        ParametersCell: edits to make
GET    gpus                                                              {gpus: [SharedGpu], users: [...]}:
                                                                         who has which GPU, and quotas
GET    usage                        ?by=user|notebook|executor|day       UsageReport: sums over attempts
                                    since=7d user=
GET    status                       ?checks=1                            {version, home, user, gpus,
                                                                         agent: {running}, checks}
====== ============================ ==================================== ==============================

The registries:

====== ========================================= ============================ ==============================
verb   address                                   takes                        answers
====== ========================================= ============================ ==============================
GET    datasets                                                               {datasets: [Dataset]}
GET    datasets/NAME                                                          Dataset
PATCH  datasets/NAME                             {description?, tags?,        Dataset
                                                 owner?, licence?}; a tag of
                                                 null goes
GET    datasets/NAME/diff                        ?before= after= (versions)   DatasetDiff
                                                 keys= keys= (columns that
                                                 tell rows apart)
GET    datasets/NAME/expectations                                             {expectations: [Expectation]}
PATCH  datasets/NAME/versions/N                  {description?, tags?}        Dataset
GET    datasets/NAME/versions/N/profile                                       Profile; pending while it is
                                                                              computed
GET    datasets/NAME/versions/N/check                                         {report: CheckReport or null},
                                                                              of the last check
POST   datasets/NAME/versions/N/check                                         CheckReport, of a check now
PUT    datasets/NAME/aliases/ALIAS               {version, reason?}           Dataset
DELETE datasets/NAME/aliases/ALIAS               ?reason=                     Dataset
GET    datasets/NAME/aliases/ALIAS/moves                                      {moves: [Move]}, newest first
GET    models                                                                 {models: [Model]}
GET    models/NAME                                                            Model
PATCH  models/NAME                               {description?, tags?,        Model
                                                 owner?, licence?}; a tag of
                                                 null goes
PATCH  models/NAME/versions/N                    {description?, tags?}        Model
GET    models/NAME/versions/N/card                                            {card}: Markdown
PUT    models/NAME/versions/N/card               {card}; an empty one makes   {card}
                                                 it blank again
GET    models/NAME/versions/N/review             ?alias=champion              Review
PUT    models/NAME/versions/N/approvals/ALIAS    {approved: true, false or    {approval: Approval or null}
                                                 null, reason?}
GET    models/NAME/gates                                                      {gates: [Gates]}
PUT    models/NAME/gates/ALIAS                   {gates: [Gate], reason?}     Gates
PUT    models/NAME/aliases/ALIAS                 {version, reason?}           Model
DELETE models/NAME/aliases/ALIAS                 ?reason=                     Model
GET    models/NAME/aliases/ALIAS/moves                                        {moves: [Move]}, newest first
POST   models/NAME/aliases/ALIAS/rollback        {reason?}                    Model
GET    features                                                               {features: [FeatureView]}
GET    features/NAME                                                          FeatureView
GET    lineage                                   ?node= (run:ID, job:ID,      Lineage
                                                 dataset:NAME@2, view:NAME@1,
                                                 model:NAME@1,
                                                 alias:NAME@champion,
                                                 notebook:PATH)
                                                 direction=both|up|down
GET    impact                                    ?node=                       Impact: what came of it
GET    audit                                     ?subject= before= (its       {entries: [AuditEntry]},
                                                 number) limit=               newest first
GET    access                                                                 {user, role} of who asks
====== ========================================= ============================ ==============================

Paths of notebooks are relative to the server's root folder and may not lead out of it.

Changes come over Jupyter's own events (``/api/events/subscribe``) with the schema id
``https://schemas.jupyter-mlops.org/changed/v1`` (``events/changed.yaml``): ``{kind, ids, seq}`` says what
to ask for again.

To add a route: a handler in the module of its resource (both decorators on every verb), a line in
``routes``, a row above; ``tests/integration/server/test_access.py`` finds it by itself.
"""
