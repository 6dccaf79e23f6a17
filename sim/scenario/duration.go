package scenario

import (
	"math"
	"regexp"
	"strings"
	"time"

	"multihome.i2p/sim"
)

// durationPattern is the spelling of durations, which the schema gives to
// editors: the order of units and overflow only parseDuration knows.
var durationPattern = regexp.MustCompile(`^-?([0-9]+(\.[0-9]+)?(d|h|m|s|ms|us|ns))+$`)

// parseDuration reads Go's durations with days before hours: 7d, 1d12h, 90s.
func parseDuration(text string) (sim.Time, bool) {
	if !durationPattern.MatchString(text) {
		return 0, false
	}
	body, negative := strings.CutPrefix(text, "-")
	var total time.Duration
	if days, rest, ok := strings.Cut(body, "d"); ok {
		// A day is 24 hours; the hours' parser knows fractions.
		d, err := time.ParseDuration(days + "h")
		if err != nil || strings.ContainsAny(days, "hmsun") || d > math.MaxInt64/24 {
			return 0, false
		}
		total, body = 24*d, rest
		if body == "" {
			body = "0s"
		}
	}
	d, err := time.ParseDuration(body)
	if err != nil || d > math.MaxInt64-total {
		return 0, false
	}
	total += d
	if negative {
		total = -total
	}
	return sim.Time(total), true
}

// formatDuration writes a duration as one would write it: 24h, 10m, 1h30m,
// 1.5s, 7d.
func formatDuration(t sim.Time) string {
	if t > sim.Day && t%sim.Day == 0 {
		return formatScalar(nil, int64(t/sim.Day)) + "d"
	}
	s := time.Duration(t).String()
	for _, zero := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(s, zero) {
			s = s[:len(s)-2]
		}
	}
	return strings.ReplaceAll(s, "µs", "us")
}
