package main

// The help texts are written by hand. The tests check that they name every
// command and flag.

const usage = `Usage:
    mhbalance init --router ADDRESS... --key FILE [-o FILE]
    mhbalance keygen FILE
    mhbalance check-config [-c FILE] [--probe]
    mhbalance run [-c FILE] [--log-level LEVEL]
    mhbalance status [--json] [-c FILE | --socket SOCKET]
    mhbalance drain ROUTER [-c FILE | --socket SOCKET]
    mhbalance undrain ROUTER [-c FILE | --socket SOCKET]
    mhbalance reload [-c FILE | --socket SOCKET]
    mhbalance audit [TRACE... | -c FILE] [--json] [--no-reference]
    mhbalance observe --console URL... --destination B32 -o TRACE
    mhbalance replay LOG...
    mhbalance testnet up|down|status [--dir DIR]
    mhbalance testnet kill|freeze|thaw|restart ROUTER [--dir DIR]
    mhbalance demo [--fake] [--out DIR]
    mhbalance schema [NAME]

mhbalance hosts an I2P service on several routers at once, under one address and one
LeaseSet (invisible multihoming, I2P Proposal 140): the service stays reachable
while routers come and go.

Commands:
    init            ask routers what they can do, and write a configuration
    keygen          make the keys of a new Destination
    check-config    check a configuration
    run             host the Destinations of a configuration
    status          show the state of a running mhbalance
    drain           take a router out of service
    undrain         take it back
    reload          have a running mhbalance read its configuration again
    audit           attack the published LeaseSets, as an observer would
    observe         watch a service as an observer of the netDb does
    replay          decide a recorded event log again, and compare
    testnet         a private I2P network of real routers, to try things on
    demo            kill a router, and see what happens
    schema          print the JSON Schema of a format

Flags:
    -h, --help      this text; after a command, or as mhbalance help COMMAND, that
                    of the command
    -v, --version   version and commit

Example:
    $ mhbalance init --router 127.0.0.1:7654 --router 127.0.0.1:7655 --key my.keys
    $ mhbalance run -c mhbalance.yaml

Results go to standard output, everything else to standard error. The exit code is 0
if all went well, 1 after a failure or an interrupt, 2 if the command line or a file
that was given is at fault.
`
