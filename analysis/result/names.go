package result

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Description says what a metric name means.
type Description struct {
	// Name is the metric's name, or an attack's measure such as "auc".
	Name string
	// Unit is the unit its values carry.
	Unit string
	// Label is a short name for an axis, Text one line of explanation.
	Label, Text string
}

// Metrics of a world: what a run measures whether or not anyone attacks it.
var metrics = []Description{
	{"leaseset_publishes_per_10min", "1/10min", "LeaseSet publishes", "publishes of the destination's LeaseSets by all its routers in ten minutes; trying further floodfills for one publish does not count"},
	{"tunnels_built_per_10min", "1/10min", "Inbound tunnels built", "inbound tunnels that the destination's routers build in ten minutes, each a change of its leases"},
	{"floodfill_stores_per_s", "1/s", "Floodfill stores", "store messages that the destination's routers send to floodfills, all together, in a second"},
	{"floodfill_floods_per_s", "1/s", "Floods", "copies of the destination's LeaseSets that floodfills send to each other, in a second"},
	{"floodfill_lookups_per_s", "1/s", "Floodfill lookups", "lookups that the destination's routers and clients send to floodfills, verifications included, in a second; those of observers do not count"},
	{"floodfill_verifications_per_s", "1/s", "Verifications", "lookups by which the destination's routers verify what they have stored, in a second"},
	{"floodfill_mean_messages_per_s", "1/s", "Load of a floodfill", "stores, floods and lookups of the destination that one floodfill gets in a second, on average over all of the network"},
	{"floodfill_busiest_messages_per_s", "1/s", "Load of the busiest floodfill", "stores, floods and lookups of the destination that the floodfill with the most of them gets in a second"},
	{"floodfill_busiest_bytes_per_s", "B/s", "Traffic of the busiest floodfill", "bytes that the floodfill with the most of them takes in and gives out for the destination, in a second"},
	{"floods_throttled_per_10min", "1/10min", "Floods throttled", "new LeaseSets that a Java floodfill takes and acknowledges but does not flood, because there were more than three in 90 s, in ten minutes"},
	{"acks_astray_per_10min", "1/10min", "Acks astray", "acks of stores that come in through another router than the one that stored, in ten minutes"},
	{"store_timeouts_per_10min", "1/10min", "Stores without an ack", "stores whose ack does not come in time, in ten minutes"},
	{"netdb_tunnel_messages_per_10min", "1/10min", "Tunnel messages", "tunnel messages of 1 kB that carry the stores, acks, lookups and answers of the destination's routers, in ten minutes"},
	{"netdb_bytes_per_10min", "B/10min", "netDb traffic", "bytes that floodfills take in and give out for the destination in ten minutes, floods and lookups included"},
	{"leaseset_bytes", "B", "LeaseSet2 size", "bytes of a full LeaseSet2 with an Ed25519 Destination and one X25519 key"},
	{"leases_per_leaseset", "leases", "Leases per LeaseSet", "leases listed in a published LeaseSet, on average"},
	{"distinct_ibgw_per_leaseset", "routers", "Distinct IBGWs per LeaseSet", "different inbound gateways in a published LeaseSet, on average"},
	{"distinct_ibgw_total", "routers", "Distinct IBGWs seen", "different inbound gateways over the whole observation"},
	{"ibgw_candidates", "routers", "IBGW candidates", "size of the set one router draws its inbound gateways from"},
	{"fast_tier_size", "routers", "Fast tier", "peers in the fast tier of one router"},
	{"availability", "share", "Availability", "share of the time in which the netDb holds a LeaseSet with a live lease"},
	{"subs_revealed", "sub-Destinations", "Sub-Destinations revealed", "sub-Destinations that the Meta LeaseSet leads to, on average: each is up on one router at least"},
	{"dead_entry_share", "share", "Dead entries", "share of the Meta LeaseSet's entries that lead to no live lease"},
	{"meta_publishes_per_10min", "1/10min", "Meta LeaseSets", "Meta LeaseSets that reach the netDb in ten minutes"},
	{"first_contact_success", "share", "First contact", "share of new clients that are answered within 25 s of their first message"},
	{"dead_lease_share", "share", "Dead leases", "share of listed leases whose tunnel no longer works"},
	{"delivery", "share", "Delivery", "share of the clients' messages that arrive"},
	{"stream_survival", "share", "Stream survival", "share of the clients' streams that are still alive when they have been open for as long as they should be"},
	{"lease_switch_stall_s", "s", "Stall at lease change", "time from a client's first message on another lease until something that it sends is answered, on average"},
	{"lease_switch_stall_max_s", "s", "Longest stall", "the longest such time of a trial"},
	{"client_failover_s", "s", "Failover, as clients feel it", "time from a router's loss until something that its clients sent since is answered: their median"},
	{"client_failover_5s", "share", "Answered 5 s after a loss", "share of a lost router's clients that are answered again within 5 s"},
	{"client_failover_100s", "share", "Answered 100 s after a loss", "share of a lost router's clients that are answered again within 100 s"},
	{"failover_s", "s", "Failover", "time from a router's loss until the netDb has a LeaseSet without its leases"},
	{"router_load_jain", "1", "Load balance", "Jain's index of the routers' load: 1 is even, 1/n is all on one of n"},
	{"tunnel_builds_per_h", "1/h", "Tunnel builds", "tunnel build attempts of all the destination's routers in an hour, outbound tunnels included"},
}

// Measures of an attack: how well an adversary tells the policy from its
// reference, or counts its routers.
var measures = []Description{
	{"auc", "1", "AUC", "chance that the attack ranks a random policy trace above a random reference trace: 0.5 is a guess, 1 is certainty"},
	{"auc_bootstrap", "1", "AUC (bootstrap)", "the same AUC with a percentile interval of resampled traces, beside DeLong's: where the two differ much, trust neither"},
	{"advantage", "1", "Advantage", "largest true minus false positive rate over all thresholds: 0 is a guess, 1 is certainty"},
	{"tpr_at_fpr_0.01", "share", "TPR at FPR 0.01", "share of policy traces detected when one reference trace in 100 is accused"},
	{"tpr_at_fpr_0.001", "share", "TPR at FPR 0.001", "share of policy traces detected when one reference trace in 1000 is accused"},
	{"leakage_bits", "bits", "Leakage", "mutual information between the arm and the attack's score: 0 tells nothing, 1 everything"},
	{"min_entropy_leakage_bits", "bits", "Min-entropy leakage", "bits by which the score improves one best guess of the arm"},
	{"zero_leak_p", "1", "No leak, p-value", "chance that scores which tell nothing about the arm would seem to tell as much: below 0.05 there is a leak"},
	{"bayes_error", "share", "Bayes error", "share of traces that the best possible use of what the attack sees would still take for the other arm, bounded by nearest neighbours"},
	{"count_accuracy", "share", "Router count right", "share of the traces of both arms whose number of routers the attack names exactly"},
	{"count_mae", "routers", "Router count error", "mean absolute error of the attack's estimate of the number of routers"},
	{"time_to_detect_h", "h", "Time to detect", "observation until the attack first decides rightly at its fixed threshold"},
}

// KnownMetrics returns the descriptions of all metrics of a world, in the
// order a report lists them.
func KnownMetrics() []Description { return slices.Clone(metrics) }

// BestAttack is the name under which the maximum over all attacks of a suite
// stands, with its simultaneous interval.
const BestAttack = "best"

// An AttackMetric is the name of an attack's metric, taken apart.
type AttackMetric struct {
	// Adversary and Horizon are empty in a plain name, which speaks of the
	// first adversary at full duration.
	Adversary string
	Attack    string // such as chao1; BestAttack for the maximum
	Measure   string // such as auc
	Horizon   string // such as 24h
}

// Name returns the metric's full name: attack.<name>.<m>, or
// <adversary>.attack.<name>.<m>@<horizon>.
func (a AttackMetric) Name() string {
	name := "attack." + a.Attack + "." + a.Measure
	if a.Adversary != "" {
		name = a.Adversary + "." + name
	}
	if a.Horizon != "" {
		name += "@" + a.Horizon
	}
	return name
}

// ParseAttackMetric takes the name of an attack's metric apart; ok is false
// for any other name. The measure need not be a known one.
func ParseAttackMetric(name string) (a AttackMetric, ok bool) {
	rest, plain := strings.CutPrefix(name, "attack.")
	if !plain {
		a.Adversary, rest, ok = strings.Cut(name, ".attack.")
		if !ok || a.Adversary == "" {
			return AttackMetric{}, false
		}
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		rest, a.Horizon = rest[:i], rest[i+1:]
		if a.Horizon == "" {
			return AttackMetric{}, false
		}
	}
	// An adversary without a horizon, or the other way round, is no name that
	// anything writes.
	if (a.Adversary == "") != (a.Horizon == "") {
		return AttackMetric{}, false
	}
	a.Attack, a.Measure, ok = strings.Cut(rest, ".")
	if !ok || a.Attack == "" || a.Measure == "" {
		return AttackMetric{}, false
	}
	return a, true
}

// Describe returns what a metric name means; ok is false for a name this
// version does not know.
func Describe(name string) (d Description, ok bool) {
	list, key := metrics, name
	if a, isAttack := ParseAttackMetric(name); isAttack {
		list, key = measures, a.Measure
	}
	i := slices.IndexFunc(list, func(d Description) bool { return d.Name == key })
	if i < 0 {
		return Description{}, false
	}
	d = list[i]
	d.Name = name
	return d, true
}

// CompareNames orders metric names as a report lists them: the metrics of a
// world in the order of [KnownMetrics], unknown ones after them; then the plain
// attack metrics; then those of each adversary, by length of observation.
// Among attacks the best comes first, its measures in the order
// auc, advantage, and so on to time_to_detect_h. It returns a negative number,
// zero or a positive one, as slices.SortFunc wants it.
func CompareNames(a, b string) int {
	x, xAttack := ParseAttackMetric(a)
	y, yAttack := ParseAttackMetric(b)
	return cmp.Or(
		falseFirst(xAttack, yAttack),
		strings.Compare(x.Adversary, y.Adversary), // plain names have none
		cmp.Compare(horizonLength(x.Horizon), horizonLength(y.Horizon)),
		strings.Compare(x.Horizon, y.Horizon),
		falseFirst(x.Attack != BestAttack, y.Attack != BestAttack),
		strings.Compare(x.Attack, y.Attack),
		cmp.Compare(indexIn(measures, x.Measure), indexIn(measures, y.Measure)),
		cmp.Compare(indexIn(metrics, a), indexIn(metrics, b)),
		strings.Compare(a, b),
	)
}

func falseFirst(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// horizonLength is the length of a horizon such as 90m or 7d; what cannot be
// read counts as nothing, and so goes by its spelling.
func horizonLength(s string) time.Duration {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		if err != nil || n > 1e5 {
			return 0
		}
		return time.Duration(n * float64(24*time.Hour))
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0
	}
	return d
}

func indexIn(list []Description, name string) int {
	if i := slices.IndexFunc(list, func(d Description) bool { return d.Name == name }); i >= 0 {
		return i
	}
	return len(list)
}
