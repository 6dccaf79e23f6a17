// Package control is how operators and their monitoring look into a running
// mhbalance: HTTP over a Unix socket, and optionally metrics over TCP.
//
// The socket takes GET /status (JSON), GET /metrics (Prometheus text), GET
// /healthz, POST /drain?router=NAME, POST /undrain?router=NAME and POST /reload.
// Its file mode, 0600, is all the authorisation there is. The TCP listener takes
// GET /metrics and GET /healthz and nothing else.
//
// Names in the JSON form and in the metrics are read by other programs:
// docs/formats.md lists them, and golden tests hold them.
package control
