// hold measures ns-3's event core on the hold model: P events are pending, and
// each, when it runs, schedules its successor Exp(1) seconds later. One
// operation is one event, so a run of N operations executes N events.
//
// Usage: hold map|heap|calendar|priorityqueue P N
//
// It prints one line in the form of Go's benchmarks. The clock is read inside
// the simulation, from an event after a warm-up of 3 P events to the N-th event
// after it, so neither set-up nor tear-down is counted.
//
// ns-3 is measured at its best. Delays are given as integer nanoseconds, since
// its conversion from floating-point seconds costs about 100 ns an event; and
// they come from the same algorithm as in Go's math/rand/v2 (a 256-layer
// ziggurat over a fast 64-bit generator), since ns-3's own
// ExponentialRandomVariable costs about 45 ns more than that. What remains is
// scheduler, simulator and the event's own object.

#include "ns3/core-module.h"

#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>

using namespace ns3;
using Clock = std::chrono::steady_clock;

namespace
{

// Ziggurat draws from Exp(1), after Marsaglia and Tsang, "The Ziggurat Method
// for Generating Random Variables", J. Stat. Softw. 5(8), 2000.
class Ziggurat
{
  public:
    Ziggurat()
    {
        const double m = 4294967296.0; // 2^32
        double d = R;
        double t = R;
        const double v = 3.949659822581572e-3; // the area of a layer
        const double q = v / std::exp(-d);
        m_k[0] = static_cast<uint32_t>((d / q) * m);
        m_k[1] = 0;
        m_w[0] = q / m;
        m_w[255] = d / m;
        m_f[0] = 1;
        m_f[255] = std::exp(-d);
        for (int i = 254; i >= 1; --i)
        {
            d = -std::log(v / d + std::exp(-d));
            m_k[i + 1] = static_cast<uint32_t>((d / t) * m);
            t = d;
            m_f[i] = std::exp(-d);
            m_w[i] = d / m;
        }
    }

    double Next()
    {
        for (;;)
        {
            const uint64_t u = Uint64();
            const auto j = static_cast<uint32_t>(u);
            const auto i = static_cast<uint8_t>(u >> 32);
            const double x = j * m_w[i];
            if (j < m_k[i])
            {
                return x;
            }
            if (i == 0)
            {
                return R - std::log(1 - Float64());
            }
            if (m_f[i] + Float64() * (m_f[i - 1] - m_f[i]) < std::exp(-x))
            {
                return x;
            }
        }
    }

  private:
    static constexpr double R = 7.69711747013104972; // where the tail begins

    // Splitmix64: Steele, Lea and Flood, OOPSLA 2014.
    uint64_t Uint64()
    {
        uint64_t z = (m_state += 0x9e3779b97f4a7c15);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
        z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
        return z ^ (z >> 31);
    }

    double Float64()
    {
        return static_cast<double>(Uint64() >> 11) / 9007199254740992.0;
    }

    uint64_t m_state = 140;
    std::array<uint32_t, 256> m_k;
    std::array<double, 256> m_w;
    std::array<double, 256> m_f;
};

Ziggurat g_exp;
double g_sum = 0; // of the delays, to check their mean
uint64_t g_executed = 0;
uint64_t g_first; // the event at which the clock starts
uint64_t g_last;  // the event at which it stops
Clock::time_point g_start;
Clock::time_point g_stop;

Time
Delay()
{
    const double s = g_exp.Next();
    g_sum += s;
    return NanoSeconds(static_cast<int64_t>(s * 1e9));
}

void
Handle()
{
    ++g_executed;
    if (g_executed == g_first)
    {
        g_start = Clock::now();
    }
    else if (g_executed == g_last)
    {
        g_stop = Clock::now();
        Simulator::Stop();
        return;
    }
    Simulator::Schedule(Delay(), &Handle);
}

} // namespace

int
main(int argc, char** argv)
{
    const std::map<std::string, std::string> schedulers = {
        {"map", "ns3::MapScheduler"},
        {"heap", "ns3::HeapScheduler"},
        {"calendar", "ns3::CalendarScheduler"},
        {"priorityqueue", "ns3::PriorityQueueScheduler"},
    };
    const auto it = argc == 4 ? schedulers.find(argv[1]) : schedulers.end();
    if (it == schedulers.end())
    {
        std::fprintf(stderr, "usage: hold map|heap|calendar|priorityqueue P N\n");
        return 2;
    }
    const uint64_t pending = std::strtoull(argv[2], nullptr, 10);
    const uint64_t ops = std::strtoull(argv[3], nullptr, 10);
    if (pending == 0 || ops == 0)
    {
        std::fprintf(stderr, "hold: P and N must be positive\n");
        return 2;
    }

    ObjectFactory factory;
    factory.SetTypeId(it->second);
    Simulator::SetScheduler(factory);

    g_first = 3 * pending + 1;
    g_last = g_first + ops;
    for (uint64_t i = 0; i < pending; ++i)
    {
        Simulator::Schedule(Delay(), &Handle);
    }
    Simulator::Run();
    Simulator::Destroy();

    // Within six standard errors, or the load was not the one promised.
    const auto draws = static_cast<double>(g_executed + pending - 1);
    const double mean = g_sum / draws;
    if (std::abs(mean - 1) > 6 / std::sqrt(draws))
    {
        std::fprintf(stderr, "hold: the delays' mean is %g s, not 1 s\n", mean);
        return 1;
    }
    const double ns = std::chrono::duration<double, std::nano>(g_stop - g_start).count();
    std::printf("BenchmarkHold/impl=ns3-%s/P=%llu\t%llu\t%.2f ns/op\n",
                argv[1],
                static_cast<unsigned long long>(pending),
                static_cast<unsigned long long>(ops),
                ns / static_cast<double>(ops));
    return 0;
}
