package console

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"multihome.i2p/i2cp/wire"
)

// The pages *-2.45.1.html in testdata are as that i2pd sent them, in a private
// network (TestI2pd -update of package i2cp writes them). What is said here of
// 2.58.0 was put together by hand after its source, daemon/HTTPServer.cpp.
func page(tb testing.TB, name string) []byte {
	tb.Helper()
	b, err := os.ReadFile("testdata/" + name + "-2.45.1.html")
	if err != nil {
		tb.Fatal(err)
	}
	return b
}

// made is a page with the given content.
func made(content ...string) []byte {
	return []byte("<html>\r\n<body>\r\n<div class=\"content\">" + strings.Join(content, "\r\n") +
		"\r\n</div>\r\n</div>\r\n</body>\r\n</html>\r\n")
}

const (
	b32a = "5b5o6uf6hniasqupnhqs2vvtf2bl7likpgoq6yius23u5vmbyzhq"
	b32b = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	gate = "OngEQkTA9UNI9-n4kW5ZHkXlwuTqWD7BYJGEuTrzsOs="
)

var twoSets = []string{
	`<b>LeaseSets:</b><br>`, `<div class="list">`,
	`<div class="leaseset listitem">`,
	`<div class="slide"><label for="slide1">` + b32a + `</label>`,
	`<input type="checkbox" id="slide1" />`, `<div class="slidecontent">`,
	`<b>Store type:</b> 3<br>`, `<b>Expires:</b> 23/11/2026 10:49:07.000<br>`,
	`<b>Non Expired Leases: 2</b><br>`,
	`<b>Gateway:</b> ` + gate + `<br>`, `<b>TunnelID:</b> 4294967295<br>`, `<b>EndDate:</b> 23/11/2026 10:49:07.000<br>`,
	`<b>Gateway:</b> ` + gate + `<br>`, `<b>TunnelID:</b> 1<br>`, `<b>EndDate:</b> 23/11/2026 10:48:07.250<br>`,
	`</div>`, `</div>`, `</div>`,
	`<div class="leaseset listitem expired">`,
	`<div class="invalid">!! Invalid !! </div>`,
	`<div class="slide"><label for="slide2">` + b32b + `</label>`,
	`<input type="checkbox" id="slide2" />`, `<div class="slidecontent">`,
	`<b>Store type:</b> 5<br>`, `<b>Expires:</b> 23/11/2026 09:00:00.000<br>`,
	`</div>`, `</div>`, `</div>`,
}

func mustHash(t *testing.T, s string) wire.Hash {
	t.Helper()
	h, err := wire.ParseHashBase64(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestParseLeaseSets(t *testing.T) {
	day := func(h, m, s, ms int) time.Time { return time.Date(2026, 11, 23, h, m, s, ms*1e6, time.UTC) }
	a, err := wire.ParseB32(b32a + ".b32.i2p")
	if err != nil {
		t.Fatal(err)
	}
	g := mustHash(t, gate)
	want := []LeaseSetView{
		{Destination: a, StoreType: wire.StoreLeaseSet2, Expires: day(10, 49, 7, 0), Leases: []LeaseView{
			{Gateway: g, Tunnel: 1<<32 - 1, End: day(10, 49, 7, 0)}, {Gateway: g, Tunnel: 1, End: day(10, 48, 7, 250)},
		}},
		{StoreType: wire.StoreEncryptedLeaseSet, Expires: day(9, 0, 0, 0), Expired: true, Invalid: true},
	}
	got, err := ParseLeaseSets(made(twoSets...), time.UTC)
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
	// In another language.
	german := strings.NewReplacer("Gateway:", "Zugang:", "Non Expired Leases", "Gültige", "Expires:", "Läuft ab:")
	other, err := ParseLeaseSets([]byte(german.Replace(string(made(twoSets...)))), time.UTC)
	if err != nil || !reflect.DeepEqual(other, want) {
		t.Errorf("in German: %+v %v", other, err)
	}

	got, err = ParseLeaseSets(page(t, "leasesets"), time.UTC)
	if err != nil || len(got) == 0 || len(got[0].Leases) == 0 {
		t.Errorf("captured: %+v %v", got, err)
	}
	got, err = ParseLeaseSets(made(`<b>LeaseSets:</b> 0<br>`), nil)
	if err != nil || len(got) != 0 {
		t.Errorf("none: %+v %v", got, err)
	}
	for _, p := range [][]byte{
		page(t, "leasesets-no-floodfill"),
		made(`<b>LeaseSets:</b> floodfill mode is disabled.<br>`), // 2.58.0
	} {
		if got, err = ParseLeaseSets(p, nil); !errors.Is(err, ErrNotFloodfill) || got != nil {
			t.Errorf("no floodfill: %+v %v", got, err)
		}
	}
}

// TestStrict takes away, repeats and spoils each line of a page in turn: what is
// not understood is not skipped.
func TestStrict(t *testing.T) {
	for i, line := range twoSets {
		if strings.Contains(line, `"invalid"`) {
			continue // may be there or not
		}
		for what, with := range map[string][]string{
			"without": {}, "with twice": {line, line}, "with a changed": {line + "?"},
		} {
			lines := append(append(append([]string{}, twoSets[:i]...), with...), twoSets[i+1:]...)
			got, err := ParseLeaseSets(made(lines...), time.UTC)
			var se *SyntaxError
			if !errors.As(err, &se) || got != nil {
				t.Errorf("%s %q: %+v %v", what, line, got, err)
			}
		}
	}
	for _, b := range [][]byte{
		nil, []byte("<html>"), made(), made("<b>Uptime:</b> 1 second<br>", ""),
		bytes.TrimSuffix(made(twoSets...), []byte("</html>\r\n")),
		bytes.Replace(made(twoSets...), []byte("23/11/2026 10:4"), []byte("31/11/2026 10:4"), 1),
		bytes.Replace(made(twoSets...), []byte("4294967295"), []byte("4294967296"), 1),
	} {
		var se *SyntaxError
		if got, err := ParseLeaseSets(b, nil); !errors.As(err, &se) || got != nil {
			t.Errorf("%q: %+v %v", b, got, err)
		}
	}
}

func TestParseTunnels(t *testing.T) {
	got, err := ParseTunnels(page(t, "tunnels"))
	in, out := 0, 0
	for _, tunnel := range got {
		if tunnel.Inbound {
			in++
		} else {
			out++
		}
	}
	if err != nil || in == 0 || out == 0 {
		t.Errorf("captured: %+v %v", got, err)
	}
	got, err = ParseTunnels(made(
		`<b>Tunnels:</b><br>`, `<b>Queue size:</b> 0<br>`, `<br>`, `<b>TBM Queue size:</b> 0<br>`, `<br>`,
		`<b>Inbound tunnels:</b><br>`, `<div class="list">`,
		`<div class="listitem">&#8658; A~b-<small style="color:gray"> X</small> &#8658; 0123<small style="color:gray"> O</small> `+
			`&#8658; 17:me ( 12ms )<span class="tunnel established"> established (exploratory)</span>, 2.00 KiB`, `</div>`,
		`</div>`, `<br>`,
		`<b>Outbound tunnels:</b><br>`, `<div class="list">`,
		`<div class="listitem">18:me &#8658; A~b- &#8658;<span class="tunnel failed"> declined</span>, 0.00 KiB`, `</div>`,
		`<div class="listitem">19:me &#8658;<span class="tunnel building"> building</span>,  0&nbsp;KiB`, `</div>`,
		`</div>`))
	want := []TunnelView{
		{Inbound: true, ID: 17, Hops: []string{"A~b-", "0123"}, State: "established"},
		{ID: 18, Hops: []string{"A~b-"}, State: "failed"},
		{ID: 19, State: "building"},
	}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestParseSessions(t *testing.T) {
	got, err := ParseSessions(page(t, "transports"))
	if err != nil || len(got) == 0 {
		t.Errorf("captured: %+v %v", got, err)
	}
	for _, s := range got {
		if s.Outgoing != (s.Remote.Port() == 9000) || s.Sent == 0 || len(s.Peer) != 4 {
			t.Errorf("%+v", s)
		}
	}
	if got, err = ParseSessions(made(`<b>Transports:</b><br>`)); err != nil || len(got) != 0 {
		t.Errorf("none: %+v %v", got, err)
	}
	got, err = ParseSessions(made(`<b>Transports:</b><br>`,
		`<div class='slide'><label for='slide_ssu2'><b>SSU2</b> ( 2 )</label>`, `<input type="checkbox" id="slide_ssu2" />`,
		`<div class="slidecontent list"><div class="listitem">`, ` &#8658; BBcP: 198.18.0.12:9000 [3052:2049] [itag:5] [queue:1] [slow]</div>`, ``,
		`<div class="listitem">`, `B78W: [2001:db8::1]:48745 &#8658;  [740:946]</div>`, ``, `</div>`, `</div>`))
	if err != nil || len(got) != 2 || !got[0].Outgoing || got[1].Outgoing || got[1].Received != 946 {
		t.Errorf("%+v %v", got, err)
	}
}

func TestParseStatus(t *testing.T) {
	got, err := ParseStatus(page(t, "main"))
	if err != nil || got.Version != "2.45.1" || got.Routers != 6 || got.Floodfills != 3 || got.Caps == "" || got.ClientTunnels == 0 {
		t.Errorf("%+v %v", got, err)
	}
	if _, err := ParseStatus(page(t, "tunnels")); err == nil {
		t.Error("another page was taken for the main page")
	}
}

func TestClient(t *testing.T) {
	leasesets := page(t, "leasesets")
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		switch {
		case user != "i2pd" || password != "pass":
			w.WriteHeader(http.StatusUnauthorized)
		case r.URL.Path == "/" && r.URL.RawQuery == "page=leasesets":
			_, _ = w.Write(leasesets)
		case r.URL.Path == "/" && r.URL.RawQuery == "":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		default:
			w.WriteHeader(http.StatusBadRequest)
		}
	}))
	defer srv.Close()
	for _, url := range []string{srv.URL, srv.URL + "/"} {
		c := &Client{URL: url, User: "i2pd", Password: "pass", Location: time.UTC}
		if got, err := c.LeaseSets(t.Context()); err != nil || len(got) == 0 {
			t.Errorf("%+v %v", got, err)
		}
		if _, err := c.Tunnels(t.Context()); err == nil || !strings.Contains(err.Error(), "400") {
			t.Errorf("an error page: %v", err)
		}
		if _, err := c.Status(t.Context()); err == nil || !strings.Contains(err.Error(), "302") {
			t.Errorf("a redirection: %v", err)
		}
		c.Password = "wrong"
		if _, err := c.LeaseSets(t.Context()); err == nil || !strings.Contains(err.Error(), "401") {
			t.Errorf("a wrong password: %v", err)
		}
	}
}

// FuzzParse: no parser panics, and an error comes with no result.
func FuzzParse(f *testing.F) {
	for _, name := range []string{"leasesets", "leasesets-no-floodfill", "tunnels", "transports", "main"} {
		_, body, _ := bytes.Cut(page(f, name), contentMark)
		f.Add(append(append([]byte{}, contentMark...), body...))
	}
	f.Add(made(twoSets...))
	f.Fuzz(func(t *testing.T, b []byte) {
		sets, err := ParseLeaseSets(b, time.UTC)
		if err != nil && sets != nil {
			t.Errorf("%+v with %v", sets, err)
		}
		for _, s := range sets {
			if len(s.Leases) > 999 {
				t.Errorf("%d leases", len(s.Leases))
			}
		}
		if got, err := ParseTunnels(b); err != nil && got != nil {
			t.Errorf("%+v with %v", got, err)
		}
		if got, err := ParseSessions(b); err != nil && got != nil {
			t.Errorf("%+v with %v", got, err)
		}
		if got, err := ParseStatus(b); err != nil && got != (StatusView{}) {
			t.Errorf("%+v with %v", got, err)
		}
	})
}
