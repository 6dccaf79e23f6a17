package main

const checkHelp = `Usage:
    mhsim check SCENARIO --max-auc X [--min-availability Y] ...
                [--at-most METRIC=X]... [--at-least METRIC=X]...
                [--until-decided] [--max-trials N] [--json]
                [--seed N] [--trials N] [--duration D] [--workers N]

Holds a scenario to limits: a verdict on a policy, for a team's CI. Standard output
has one line, the verdict and its reason:

    PASS            all limits are kept, in every cell of the sweep     exit code 0
    FAIL            a limit is broken                                             1
    INCONCLUSIVE    the trials do not decide; about how many more would           3
    INVALID         the attacks are weaker than on record: a pass would           4
                    mean nothing

The cell that decides is named. Where the verdict is not PASS, the last line on
standard error is a command that writes the traces of the trial to look at.

Limits:
    --max-auc X              how well any attack of any adversary may tell the
                             policy from its reference, after any time: 0.5 + |AUC
                             - 0.5|, by a bound that holds for all of them together
    --max-tpr-at-1pct X      how many policy traces any attack may find when it
                             accuses one reference trace in a hundred, likewise
    --min-availability X     share of the time with a live lease in the netDb
    --min-first-contact X    share of first messages of new clients that arrive
    --min-delivery X         share of clients' messages that arrive
    --min-stream-survival X  share of long streams that live to the end
    --max-dead-leases X      share of listed leases whose tunnel does not work
    --max-failover X         seconds until a lost router's clients are served again
    --at-most METRIC=X       a limit on any metric of the policy arm in
    --at-least METRIC=X      summary.json; may be given several times

Flags:
    --until-decided   as long as the verdict is open, go on with twice the trials
    --max-trials N    until there are N of each arm, by default 4000
    --json            print JSON (see mhsim schema check)
    --seed N          the seed, in place of the scenario's
    --trials N        test trials of each arm, in place of the scenario's
    --duration D      time observed, such as 90m or 24h, in place of the scenario's
    --workers N       trials that are simulated at once; no result depends on it

A wrong verdict has a chance of at most 5 %. PASS needs the interval of every limit
on the right side of it, in every cell; FAIL one interval on the wrong side, at a
level that counts all limits and cells. With --until-decided each look at the
results spends a part of the 5 %, so that looking often does not help to pass.

Before the first verdict of a build the attacks are tried on games whose outcome is
on record (the default policy, and planted leaks; some seconds). The result is kept
in the user's cache directory.

Example:
    $ mhsim check null --trials 60 --duration 1h --max-auc 0.9 --max-dead-leases 0.5
`

const traceHelp = `Usage:
    mhsim trace SCENARIO --trial N [--cell I] [--arm ARM] [--out DIR]
                [--seed N] [--duration D]

Plays one test trial again and writes what the adversaries saw of it, and what was
true: the files that mhsim run --traces writes of this trial, without the others.

Flags:
    --trial N       the trial, counted from 0
    --cell I        the cell of the sweep, counted from 0
    --arm ARM       policy (the default) or reference
    --out DIR       the directory, by default results/<scenario>-<seed>-trial-<N>
    --seed N        the seed, in place of the scenario's
    --duration D    time observed, in place of the scenario's

Example:
    $ mhsim trace four-routers --duration 6h --trial 3 --out results/look
`

const policiesHelp = `Usage:
    mhsim policies [--from DIR]... [--csv]

Lists the policies that come with the balancer: what each does, what it needs of
the routers, what it hides of their number, what it shows all the same, what it
costs, and what was found of it in the scenarios price and price-faults. After them
come the policies in Starlark that ship.

Flags:
    --from DIR    figures of the results that mhsim run has left there, in place of
                  those that come with the program; may be given several times
    --csv         the figures alone, as comma-separated values

Example:
    $ mhsim policies
    $ mhsim run price --trials 4 --duration 1h --out results/quick
    $ mhsim policies --from results/quick
`

const compareHelp = `Usage:
    mhsim compare SCENARIO... [--json] [--all-attacks] [--out DIR]
                  [--seed N] [--trials N] [--duration D] [--workers N]

Puts policies side by side: every cell of every scenario is one, and all have the
same random numbers in the same trial. The first is the one that the others are
compared with; each difference is taken trial by trial, with its 95 % interval, so
that what the trials have in common cancels. A difference below 0 means less than
the first has.

The attacks are trained for each policy apart. That of attack.best is the difference
of two maxima; its interval makes no use of the pairing.

Flags:
    --json           print JSON (see mhsim schema compare) instead of tables
    --all-attacks    show each attack, not only the best
    --out DIR        write compare.json, a report, and its plots: leaks,
                     differences, and leak against what is paid for it
    --seed N         the seed, in place of the scenarios'
    --trials N       test trials of each arm, in place of the scenarios'
    --duration D     time observed, such as 90m or 24h, in place of the scenarios'
    --workers N      trials that are simulated at once; no result depends on it

Example:
    $ mhsim compare four-routers null --trials 20 --duration 2h --out results/two
`

const claimsHelp = `Usage:
    mhsim claims [--out FILE] [--only ID]... [--quick] [--workers N]

Plays a small scenario for each claim that Proposal 140 makes, and Proposal 123 of
it, and says of each whether it holds, fails, is undecided, or is not simulated.
The intervals are of 95 %. The scenarios can be run by name, such as
mhsim run claim-default-watched.

Flags:
    --out FILE     write the verdicts as Markdown, with quotes, bounds and metrics
    --only ID      this claim alone; may be given several times
    --quick        a tenth of the trials, for a first look
    --workers N    trials that are simulated at once; no result depends on it

Where the attacks are weaker than on record nothing is decided, and the exit code
is 4, as that of mhsim check.

Example:
    $ mhsim claims --quick --only sixteen-leases --only no-format-change
`
