package fleet

import (
	"bufio"
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"

	"multihome.i2p/i2cp"
	"multihome.i2p/i2cp/wire"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestControl holds the control socket to docs/formats.md: testdata/control.txt
// has commands, and the answer to each, byte for byte.
func TestControl(t *testing.T) {
	const golden = "testdata/control.txt"
	inBubble(t, Config{Routers: 2}, func(t *testing.T, r *rig) {
		c := newClient(t, 5)
		s, in, _ := c.open(r.dial(0))
		// A lease of the fleet's and one that is none of its business.
		foreign := in
		foreign.Gateway, foreign.Receive = wire.Hash{1, 2, 3}, 4
		leases := []i2cp.Tunnel{in, foreign}
		var listed []wire.Lease2
		for _, in := range leases {
			listed = append(listed, wire.Lease2{Gateway: in.Gateway, Tunnel: in.Receive, End: wire.SecondsOf(in.Expires.Time())})
		}
		b, keys := c.leaseSet(r.Now(), listed)
		send(t, s, &i2cp.PublishLeaseSet{Session: s.ID(), Request: 90, ReplyLease: 0, StoreType: wire.StoreLeaseSet2, LeaseSet: b, Keys: keys})
		for !await[*i2cp.PublishStatus](t, s).Final {
		}

		here, there := net.Pipe()
		r.wg.Go(func() { r.obey(t.Context(), there) })
		answers := bufio.NewReader(here)
		command := func(line string) string {
			t.Helper()
			// Nobody reads to the end of a line that is too long.
			go func() { _, _ = fmt.Fprintln(here, line) }()
			answer, err := answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			return answer
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		var got bytes.Buffer
		for line := range strings.Lines(string(want)) {
			if strings.HasPrefix(line, "#") || line == "\n" {
				got.WriteString(line)
			}
			if text, ok := strings.CutPrefix(line, "> "); ok {
				got.WriteString(line)
				text = strings.ReplaceAll(strings.TrimSuffix(text, "\n"), "ADDRESS", c.keys.Destination.B32())
				got.WriteString("< " + command(text))
			}
		}
		var long reply
		if err := json.Unmarshal([]byte(command(strings.Repeat(" ", maxCommand+1))), &long); err != nil || long.OK {
			t.Errorf("a line that is too long: %+v, %v", long, err)
		}
		_ = here.Close()
		if bytes.Equal(got.Bytes(), want) {
			return
		}
		if !*update {
			t.Fatalf("got\n%s\nwant\n%s\n-update rewrites it", &got, want)
		}
		if err := os.WriteFile(golden, got.Bytes(), 0o666); err != nil {
			t.Fatal(err)
		}
	})
}
