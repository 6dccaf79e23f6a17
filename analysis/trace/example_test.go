package trace_test

import (
	"fmt"
	"os"
	"strings"

	"multihome.i2p/analysis/trace"
)

func ExampleTrace() {
	var t trace.Trace
	t.Reset(trace.Header{
		Destination: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
		Vantage:     trace.VantageNetDb,
		Source:      trace.SourceSim,
	})
	t.AppendPoll(1_700_000_000_000, trace.Hash{1}, false)
	w := trace.NewWriter(os.Stdout, false)
	if err := t.Write(w); err != nil {
		fmt.Println(err)
	}
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// {"format":"multihome-trace","version":1,"destination":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","vantage":"netdb","source":"sim"}
	// {"t":1700000000000,"kind":"poll","floodfill":"AQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=","found":false}
}

func ExampleError() {
	_, err := trace.ReadAll(strings.NewReader(`{"format":"multihome-trace","version":2}`+"\n"), "day.jsonl")
	fmt.Println(err)
	// Output:
	// day.jsonl:1:29: version: unknown version; this program reads version 1; record the trace again or use a newer program
}
