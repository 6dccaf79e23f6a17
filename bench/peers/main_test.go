package main

import (
	"bytes"
	"testing"
)

func TestParse(t *testing.T) {
	const out = `goos: linux
pkg: multihome.i2p/sim
BenchmarkHold/P=100  	 2000000	        38.13 ns/op	       0 B/op	       0 allocs/op
PASS
`
	ops, ns, err := parse([]byte(out))
	if err != nil || ops != 2_000_000 || ns != 38.13 {
		t.Errorf("parse = %d, %v, %v", ops, ns, err)
	}
	for _, bad := range []string{"", "PASS\n", out + out, "BenchmarkHold/P=100 x 1.5 ns/op\n"} {
		if _, _, err := parse([]byte(bad)); err == nil {
			t.Errorf("parse(%q) found nothing wrong", bad)
		}
	}
}

func TestTable(t *testing.T) {
	samples := map[cell][]float64{
		{ours, 100}:    {41, 39, 40},
		{"slow", 100}:  {400, 380, 9000},
		{ours, 1000}:   {50, 52},
		{"slow", 1000}: {102, 102},
	}
	const want = `
Median ns/event (times as long as multihome):
     P  multihome            slow
   100       40.0  400.0 (10.00x)
  1000       51.0   102.0 (2.00x)
`
	var got bytes.Buffer
	if err := table(&got, samples, []int{100, 1000}); err != nil {
		t.Fatal(err)
	}
	if got.String() != want {
		t.Errorf("table:\n%s\nwant:\n%s", got.String(), want)
	}
}
