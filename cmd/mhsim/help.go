package main

// The help texts are written by hand. The tests run their examples and check
// that they name every command and flag.

const usage = `Usage:
    mhsim run SCENARIO... [--out DIR] [--resume] [--shard I/N]
    mhsim merge DIR... [--out DIR]
    mhsim list
    mhsim validate SCENARIO...
    mhsim schema [NAME]
    mhsim check SCENARIO --max-auc X [--until-decided] [--json]
    mhsim compare SCENARIO... [--json] [--out DIR]
    mhsim policies
    mhsim claims [--out FILE]
    mhsim trace SCENARIO --trial N [--out DIR]
    mhsim analyze TRACE... [--json] [--no-reference] [--out DIR]
    mhsim calibrate PATH... [-o FILE]
    mhsim report DIR
    mhsim export DIR [--format csv|parquet] [--out FILE]
    mhsim router [--listen ADDRESS]... [--count N] [--stock]

mhsim simulates invisible multihoming (I2P Proposal 140): several routers that
host one service together. It attacks what an observer sees of them, and says
how well the attacks tell them from one router.

Commands:
    run         play scenarios and write their results
    merge       bring the shards of a run together
    list        list the scenarios that come with mhsim
    validate    check scenario files
    schema      print the JSON Schema of a file format
    check       hold a scenario to limits, for a team's CI
    compare     put policies side by side, with paired intervals
    policies    list the policies, with what each hides and costs
    claims      hold what the proposals claim against simulations
    trace       write what the adversaries saw of one trial
    analyze     estimate from a trace how many routers host a service
    calibrate   measure your own routers for a scenario
    report      render the results in a directory again
    export      write results and trials as CSV or Parquet
    router      run simulated routers that speak I2CP

Flags:
    -h, --help      this text; after a command, or as mhsim help COMMAND, that of
                    the command
    -v, --version   version and commit

Example:
    $ mhsim run null --trials 20 --duration 6h --out results/first

Results go to standard output or into a directory, everything else to standard
error. The exit code is 0 if all went well, 1 after a failure or an interrupt, 2
if the command line or a file that was given is at fault. The verdicts of mhsim
check have codes of their own.
`

const runHelp = `Usage:
    mhsim run SCENARIO... [--out DIR] [--seed N] [--trials N] [--duration D]
              [--workers N] [--traces] [--shard I/N] [--resume]
              [--until W] [--max-trials N] [--no-cache] [--cache-size MIB]

Plays scenarios and writes the results of each into a directory. A SCENARIO is a
file (its path contains a slash, or ends in .yaml or .yml) or the name of one
that mhsim list shows.

Flags:
    --out DIR       the directory, by default results/<scenario>-<seed>; with
                    several scenarios DIR/<scenario>-<seed>
    --seed N        the seed, in place of the scenario's
    --trials N      test trials of each arm, in place of the scenario's
    --duration D    time observed, such as 90m or 24h, in place of the scenario's
    --until W       go on with more trials until every interval is narrow: at most W
                    wide for AUCs and shares, W times the value for other metrics
    --max-trials N  end at N test trials of each arm all the same, by default 10000
    --workers N     trials that are simulated at once, by default as many as there
                    are processors; the results do not depend on it
    --traces        keep what the adversaries saw of the test trials in
                    DIR/traces/<arm>/<trial>.<adversary>.jsonl.gz (below a folder
                    cell-<n> where the scenario has several cells), and what was
                    true in DIR/traces/truth.jsonl
    --shard I/N     simulate only the I-th of N shares of the trials, which mhsim
                    merge brings together; see below
    --resume        go on with a run that was interrupted
    --no-cache      neither use trials of other runs nor keep any for them
    --cache-size N  how many MiB of trials are kept for other runs, by default 1024;
                    not with --no-cache

The directory holds report.html (the last file to be written: where it is, the
others are complete), plots/, results.csv, summary.json and figures.json, and what
is needed to resume the run. A finished run is not simulated again, only rendered.
An unfinished one needs --resume. A directory with anything else is refused.

An interrupt (^C) stops the run and keeps the trials that are finished, a second
one exits at once. So does a kill: no trial that was finished is lost.

Trials are kept in the user's cache directory (multihome/trials, which may be
removed), so that the same cell is not simulated again by another run of this
program: with more trials, in a larger sweep, in another scenario. The results do
not depend on it. What was not used for longest goes first. With --traces, test
trials are simulated anyway.

A shard is a directory of its own, by default
results/<scenario>-<seed>-shards/shard-<i>-of-<n>; it is resumed like any run. With
--shard auto, I and N are those of a Slurm array (SLURM_ARRAY_TASK_ID, _COUNT, _MIN,
_STEP). With --shard auto/N, I is SLURM_ARRAY_TASK_ID, from 1 on, or one more than
the JOB_COMPLETION_INDEX of a Kubernetes Indexed Job, for which --shard auto takes N
from MHSIM_SHARDS. With both, the directory is DIR/shard-<i>-of-<n>, so that all
tasks have the same command line.

Example:
    $ mhsim run four-routers --trials 20 --duration 6h --traces --out results/four
    $ mhsim run ./mine.yaml --seed 7 --out results/mine
`

const mergeHelp = `Usage:
    mhsim merge DIR... [--out DIR] [--workers N]

Brings the shards of a run together and writes the results that one machine would
have written, byte for byte. DIR is the directory of a shard, or one that holds
those of several. All shards must be there and complete, of one scenario and seed,
and made by this program; otherwise merge names what is missing, and the command
that mends it. The shards are left as they are.

Flags:
    --out DIR       the directory of the results, by default
                    results/<scenario>-<seed>
    --workers N     as of mhsim run

Example:
    $ mhsim run null --trials 20 --duration 6h --shard 1/2 --out results/null-1
    $ mhsim run null --trials 20 --duration 6h --shard 2/2 --out results/null-2
    $ mhsim merge results/null-1 results/null-2 --out results/null
`

const listHelp = `Usage:
    mhsim list

Lists the scenarios that come with mhsim: the name to run each by, and the
question that it asks.

Example:
    $ mhsim list
`

const validateHelp = `Usage:
    mhsim validate SCENARIO...

Checks scenarios, files or shipped ones by name, as run would, and simulates
nothing. What is wrong is told as file:line:column with what mends it.

Example:
    $ mhsim validate null four-routers
`

const schemaHelp = `Usage:
    mhsim schema [NAME]

Prints the JSON Schema (draft 2020-12) of a file format:

    scenario    scenario files, which are YAML (the default)
    summary     summary.json, the numbers of a run
    figures     figures.json, the data of the plots and the words of the report
    analysis    what mhsim analyze --json prints
    check       what mhsim check --json prints
    compare     what mhsim compare --json prints
    trace       a line of a trace: its header, or a record

An editor with a YAML language server checks and completes a scenario file that
begins with "# yaml-language-server: $schema=scenario.schema.json".

Example:
    $ mhsim schema scenario > scenario.schema.json
`

const analyzeHelp = `Usage:
    mhsim analyze TRACE... [--json] [--no-reference] [--out DIR]

Estimates from what an observer saw of a service, live or simulated, how many
routers host it, and compares it with simulated routers. A TRACE is a file in the
format of multihome traces, plain or compressed with gzip.

Flags:
    --json            print JSON (see mhsim schema analysis) instead of tables
    --no-reference    simulate nothing and read no cache: the attacks judge
                      untrained
    --out DIR         write plots of the comparison to DIR: posterior-<i>.svg and
                      score-<i>.svg for trace i, counted from 1

The reference is a population of simulated routers, stock Java and stock i2pd ones:
of each kind 120 trials of one router, and 60 each of 2, 3, 4, 6, 8, 12 and 16 under
a balancer, as far as there are leases. It has as many leases as the trace, and is
watched as long (1, 3, 6, 12 or 24 h; the first so many hours of the trace count)
and as often (every 1, 5, 10, 30 or 60 min). To simulate it takes up to a minute; it
is kept in the user's cache directory, and may be removed there. From it the attacks
learn: combined tells one router from several, posterior how many there are, the
prior being one half for one router and the rest even among the other numbers.

The verdict is single where one router has a probability from 0.95 on and at most 5
% of simulated several routers score lower, multi where it has 0.05 or less and at
most 5 % of single routers score higher, and undecided otherwise; also where the
trace is unlike anything simulated: farther from the nearest trial than 99 % of the
trials are from another. Fewer than 12 distinct LeaseSets, or less than an hour, are
insufficient: with 12, two in three simulated Java services are told. What is not
simulated (other policies, large or unsliced fast tiers, clients, a start or a pause
in the middle of the trace) may look like either.

Gateways are counted like species. chao1, ace, coverage and occupancy take every
tunnel as an individual of the species gateway, each once; chao2, ice, jackknife1,
jackknife2 and bootstrap take every distinct LeaseSet as a sample; jolly_seber
counts those in use at a time. They estimate from how many gateways the service
draws, and assume independent draws. Java routers build most tunnels over the path
of an old one and change their peers with time: read the intervals as the narrowest
possible.

attack.<name>.score is the logarithm of the odds of several routers against one,
attack.<name>.routers how many there are. All attacks but those two judge the first
6 hours, without training, by a model of Java routers on their defaults. Their
intervals are what that model believes, and too narrow where it is wrong: of
simulated traces of four routers, distinct held the truth in nine of ten, richness
in one of two.

Without a reference (--no-reference; more than 16 leases; other vantage points than
the netDb) the verdict rests on the mean of the untrained attacks' probabilities
that there is one router: single from 0.95 on, multi up to 0.05, undecided between
them. It is undecided instead of multi where gateways may come from more than 300
routers, the most that 16 Java routers draw from: i2pd draws from thousands. It is
insufficient where there are fewer than 3 distinct LeaseSets, or no attack finds
enough to judge. Most traces of one router then remain undecided: that few gateways
come from one router and not from two is hard to show.

Example:
    $ mhsim analyze results/four/traces/policy/0.poller.jsonl.gz
`

const reportHelp = `Usage:
    mhsim report DIR

Renders the results of a run again, from DIR/summary.json and DIR/figures.json:
results.csv, plots/ and report.html. Nothing is simulated.

Example:
    $ mhsim report results/four
`

const exportHelp = `Usage:
    mhsim export DIR [--format csv|parquet] [--table results|trials] [--out FILE]

Writes the tables of a finished run for other programs: results, a row for each
metric of each cell, and trials, a row for each test trial of each cell with what
was measured and how the trained attacks score it. Numbers are numbers, params have
their types, and what is undefined is empty (CSV) or null (Parquet).

Flags:
    --format F      csv, the default, or parquet
    --table T       results or trials; by default both, with --out results
    --out FILE      the file, - for standard output; by default
                    DIR/export/results.F and DIR/export/trials.F. If it ends in .csv
                    or .parquet, that is the format, and --format may be left out

Example:
    $ mhsim export results/four --format parquet
    $ mhsim export results/four --table trials --out results/four-trials.csv
`
