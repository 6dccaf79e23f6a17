package control

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Reloads is how the rereading of the configuration has gone.
type Reloads struct {
	Failed bool      // the last one
	Good   time.Time // when the configuration in use was read
}

// states are the states of a router.
var states = []string{"up", "down", "drain", "standby"}

// exposition writes metrics in Prometheus's text format 0.0.4.
type exposition struct{ bytes.Buffer }

func (e *exposition) family(name, kind, help string) {
	fmt.Fprintf(e, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, kind)
}

// sample writes a value; labels are names and values in turn.
func (e *exposition) sample(name string, value float64, labels ...string) {
	e.WriteString(name)
	for i := 0; i+1 < len(labels); i += 2 {
		mark := ","
		if i == 0 {
			mark = "{"
		}
		fmt.Fprintf(e, "%s%s=%s", mark, labels[i], quote(labels[i+1]))
	}
	if len(labels) > 0 {
		e.WriteByte('}')
	}
	e.WriteString(" " + strconv.FormatFloat(value, 'g', -1, 64) + "\n")
}

// quote escapes a label's value as the format wants it.
func quote(text string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(text, "\uFFFD")) + `"`
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// Metrics returns a status as Prometheus text. What is not known has no sample.
func Metrics(f *Form, r Reloads) []byte {
	e := &exposition{}
	e.family("mhbalance_status_age_seconds", "gauge", "Age of what the other metrics say.")
	e.sample("mhbalance_status_age_seconds", f.AgeS)
	e.family("mhbalance_config_last_reload_successful", "gauge", "Whether the last reading of the configuration succeeded.")
	e.sample("mhbalance_config_last_reload_successful", truth(!r.Failed))
	e.family("mhbalance_config_last_reload_success_timestamp_seconds", "gauge", "When the configuration in use was read.")
	e.sample("mhbalance_config_last_reload_success_timestamp_seconds", float64(r.Good.UnixMilli())/1e3)

	number := func(x float64) func(*DestinationForm) *float64 {
		return func(*DestinationForm) *float64 { return &x }
	}
	of := func(value func(*DestinationForm) float64) func(*DestinationForm) *float64 {
		return func(d *DestinationForm) *float64 { return number(value(d))(d) }
	}
	for _, m := range []struct {
		name, kind, help string
		value            func(*DestinationForm) *float64
	}{
		{"up", "gauge", "Whether a live lease is published.", of(func(d *DestinationForm) float64 { return truth(d.Health == ok) })},
		{"leases", "gauge", "Leases of the newest LeaseSet that have not ended.", of(func(d *DestinationForm) float64 { return float64(alive(d.Leases, "")) })},
		{"published_age_seconds", "gauge", "Age of the newest LeaseSet that was sent.", func(d *DestinationForm) *float64 { return d.PublishedAgeS }},
		{"confirmed_age_seconds", "gauge", "Time since a LeaseSet was last known to be in the netDb.", func(d *DestinationForm) *float64 { return d.ConfirmedAgeS }},
		{"clients", "gauge", "Clients that have been heard of lately.", of(func(d *DestinationForm) float64 { return float64(d.Clients) })},
		{"messages_received_total", "counter", "Messages from clients.", of(func(d *DestinationForm) float64 { return float64(d.Received) })},
		{"messages_sent_total", "counter", "Messages to clients.", of(func(d *DestinationForm) float64 { return float64(d.Sent) })},
		{"messages_dropped_total", "counter", "Messages that were dropped.", of(func(d *DestinationForm) float64 { return float64(d.Dropped) })},
		{"policy_failures_total", "counter", "Calls of the policy's own code that failed.", of(func(d *DestinationForm) float64 { return float64(d.PolicyFailures) })},
	} {
		name := "mhbalance_destination_" + m.name
		e.family(name, m.kind, m.help)
		for i := range f.Destinations {
			if v := m.value(&f.Destinations[i]); v != nil {
				e.sample(name, *v, "destination", f.Destinations[i].Name)
			}
		}
	}

	e.family("mhbalance_router_up", "gauge", "Whether the router is connected.")
	for _, r := range f.Routers {
		e.sample("mhbalance_router_up", truth(r.State != "down" && r.Problem == ""), "router", r.Name)
	}
	e.family("mhbalance_router_state", "gauge", "1 for the state that the router is in.")
	for _, r := range f.Routers {
		for _, s := range states {
			e.sample("mhbalance_router_state", truth(r.State == s), "router", r.Name, "state", s)
		}
	}
	e.family("mhbalance_router_tunnels", "gauge", "Inbound tunnels of the router for the Destinations.")
	for _, r := range f.Routers {
		e.sample("mhbalance_router_tunnels", float64(r.Tunnels), "router", r.Name)
	}
	e.family("mhbalance_router_leases", "gauge", "The router's leases in the newest LeaseSet that have not ended.")
	for _, r := range f.Routers {
		for _, d := range f.Destinations {
			e.sample("mhbalance_router_leases", float64(alive(d.Leases, r.Name)), "router", r.Name, "destination", d.Name)
		}
	}
	e.family("mhbalance_router_heard_age_seconds", "gauge", "Time since the router gave a sign of life.")
	for _, r := range f.Routers {
		if r.HeardAgeS != nil {
			e.sample("mhbalance_router_heard_age_seconds", *r.HeardAgeS, "router", r.Name)
		}
	}
	e.family("mhbalance_router_clock_offset_seconds", "gauge", "The router's clock minus ours.")
	for _, r := range f.Routers {
		if r.HeardAgeS != nil {
			e.sample("mhbalance_router_clock_offset_seconds", r.ClockOffsetS, "router", r.Name)
		}
	}
	return slices.Clip(e.Bytes())
}

// alive counts the leases that have not ended, of one router or, with "", of all.
func alive(leases []LeaseForm, router string) int {
	n := 0
	for _, l := range leases {
		if l.LeftS > 0 && (router == "" || l.Router == router) {
			n++
		}
	}
	return n
}
