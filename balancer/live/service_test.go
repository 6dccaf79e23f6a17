package live

import (
	"context"
	"crypto/rand"
	"path/filepath"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
)

// Status answers while Reload waits for a Destination to end, and tells of that one
// still.
func TestStatusDuringReload(t *testing.T) {
	keys, err := wire.NewPrivateKeyFile(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		State:        filepath.Join(t.TempDir(), "state"),
		Routers:      []Router{{Name: "a", Address: "127.0.0.1:1", Weight: 1}},
		Destinations: []Destination{{Name: "old", Keys: keys, Target: "echo"}},
	}
	s, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancelCause(context.Background())
	s.ctx, s.stop = ctx, stop
	// This Destination ends when the test wants it to.
	d, waiting := s.dests[0], make(chan struct{})
	d.cancel = func() { close(waiting) }

	changed := cfg
	changed.Destinations = []Destination{{Name: "new", Keys: keys, Target: "echo"}}
	reloaded := make(chan error, 1)
	go func() { reloaded <- s.Reload(changed) }()
	<-waiting
	answer := make(chan Status, 1)
	go func() { answer <- s.Status() }()
	select {
	case st := <-answer:
		if len(st.Destinations) != 1 || st.Destinations[0].Name != "old" || len(st.Routers) != 1 {
			t.Errorf("%+v, want the Destination that ends", st)
		}
	case err := <-reloaded:
		t.Fatalf("Reload has not waited: %v", err)
	case <-time.After(10 * time.Second):
		t.Error("Status does not answer while Reload waits")
	}
	close(d.ended)
	if err := <-reloaded; err != nil {
		t.Fatal(err)
	}
	if st := s.Status(); len(st.Destinations) != 1 || st.Destinations[0].Name != "new" {
		t.Errorf("after Reload: %+v", st)
	}
	stop(nil)
	s.running.Wait()
}
