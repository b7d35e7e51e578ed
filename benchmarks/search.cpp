// The hot loop of an hour in C++17: examine, propose, allocate, do. The same algorithm and the same bits as the
// kernel `search` of the model, on its arguments as `python -m benchmarks.dump` writes them.
//
//   search check CALL...   play each call once; compare every byte of every array with what the kernel left
//   search time CALL...    for each line of standard input, play all calls and print their CPU seconds
//
// records.h holds the record types, the places in `state` and the tables of numbers, written from the model.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iostream>
#include <map>
#include <new>
#include <numeric>
#include <stdexcept>
#include <string>
#include <time.h>
#include <utility>
#include <vector>

#include "records.h"

namespace {

using std::int32_t;
using std::int64_t;
using std::uint64_t;

// --- draws ---

inline uint64_t mix(uint64_t z) {
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

inline uint64_t word(uint64_t key, int64_t agent, int64_t number) {
    const uint64_t turned = (key << 32) | (key >> 32);
    const uint64_t packed = (static_cast<uint64_t>(agent) << 24) | static_cast<uint64_t>(number);
    return mix(mix(packed * 0x9E3779B97F4A7C15u + key) ^ turned);
}

inline double uniform(uint64_t key, int64_t agent, int64_t number) {
    return static_cast<double>(static_cast<int64_t>((word(key, agent, number) >> 11) | 1u)) * 0x1p-53;
}

inline int64_t priority(uint64_t key, int64_t agent, int64_t number) {
    return static_cast<int64_t>(word(key, agent, number) >> 2);
}

inline double uniform_of(int64_t rank) {
    return static_cast<double>(static_cast<int64_t>((static_cast<uint64_t>(rank) << 2 >> 11) | 1u)) * 0x1p-53;
}

// Let the processor bring an item near while it goes on.
template <typename T>
inline void fetch(const T& item) {
    const char* const first = reinterpret_cast<const char*>(&item);
    for (std::size_t offset = 0; offset < sizeof(T); offset += 64) {
        __builtin_prefetch(first + offset);
    }
    __builtin_prefetch(first + sizeof(T) - 1);
}

// --- elementary functions, from + - * / only ---

inline int64_t bits_of(double x) {
    int64_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    return bits;
}

inline double from_bits(int64_t bits) {
    double x;
    std::memcpy(&x, &bits, sizeof x);
    return x;
}

inline double power_of_two(int64_t exponent) { return from_bits((exponent + 1023) << 52); }

double log_of(double x) {  // 0 < x < infinity, not subnormal: all that the hot loop asks for
    const int64_t offset = bits_of(x) - LOG_START;
    const int64_t k = offset >> 52;
    const int64_t i = (offset >> (52 - LOG_BITS)) & ((int64_t{1} << LOG_BITS) - 1);
    const double z = from_bits(LOG_START + (offset & ((int64_t{1} << 52) - 1)));
    const double c = LOG_POINT[i];
    const double s = (z - c) / (z + c);
    const double square = s * s;
    const double rest =
        2.0 * s + s * square * (2.0 / 3.0 + square * (2.0 / 5.0 + square * (2.0 / 7.0)));
    const double exponent = static_cast<double>(k);
    return (exponent * LN2_HIGH + LOG_HIGH[i]) + (exponent * LN2_LOW + LOG_LOW[i] + rest);
}

inline double exp_of(double x) {
    constexpr double round = 6755399441055744.0;
    if (!(x > -746.0 && x < 710.0)) {
        return x >= 710.0 ? HUGE_VAL : x <= -746.0 ? 0.0 : NAN;
    }
    const double steps = (x * STEPS_PER_UNIT + round) - round;
    const double r = (x - steps * STEP_HIGH) - steps * STEP_LOW;
    const int64_t n = static_cast<int64_t>(steps);
    const int64_t j = n & ((int64_t{1} << EXP_BITS) - 1);
    const int64_t k = n >> EXP_BITS;
    const double series =
        r + r * r * (0.5 + r * (1.0 / 6.0) + r * r * (1.0 / 24.0 + r * (1.0 / 120.0)));
    const double high = EXP_HIGH[j];
    const double value = high + (EXP_LOW[j] + high * series);
    if (k > -1022 && k < 1023) {
        return value * power_of_two(k);
    }
    const int64_t half = k >> 1;
    return value * power_of_two(half) * power_of_two(k - half);
}

inline double normal_fast(double u) {
    constexpr int64_t steps = std::size(NORMAL) - 1;
    const double x = u * static_cast<double>(steps);
    const int64_t i = std::min(std::max(static_cast<int64_t>(x), int64_t{0}), steps - 1);
    const double low = NORMAL[i];
    return low + (x - static_cast<double>(i)) * (NORMAL[i + 1] - low);
}

inline double normal(uint64_t key, int64_t agent, int64_t number) {
    return normal_fast(uniform(key, agent, number));
}

inline double exponential(double u) {
    const int64_t bits = bits_of(u);
    const int64_t i = (bits >> (52 - TAIL_BITS)) & ((int64_t{1} << TAIL_BITS) - 1);
    constexpr int64_t below = int64_t{1} << (52 - TAIL_BITS);
    const double place = static_cast<double>(bits & (below - 1)) * (1.0 / static_cast<double>(below));
    const double low = LOG_TABLE[i];
    return static_cast<double>(1023 - (bits >> 52)) * LN2 - (low + place * (LOG_TABLE[i + 1] - low));
}

// --- rules ---

inline int64_t own_seconds(double true_seconds, double log_speed) {
    return static_cast<int64_t>(std::max(1.0, std::floor(true_seconds * exp_of(-log_speed) + 0.5)));
}

inline bool satisficing(double log_perceived_pay, double log_reservation) {
    return log_perceived_pay >= log_reservation;
}

inline bool returns_task(double log_true_pay, double log_reservation, double log_return_ratio) {
    return log_true_pay < log_reservation + log_return_ratio;
}

// --- one hour of one board ---

template <typename Row>
struct Rows {
    Row* first = nullptr;
    int64_t count = 0;

    Row& operator[](int64_t i) const { return first[i]; }
};

struct Market {
    int64_t start_round = 0;
    uint64_t search_key = 0, taste_key = 0, priority_key = 0;
    Rows<Listing> listings;
    Rows<Batch> batches;
    Rows<int32_t> orders;  // three of them, one after another
    Rows<int64_t> keys;    // of each element of the orders
    Rows<Taker> takers;
    Rows<int32_t> free_takers;
    Rows<int32_t> table;
    Rows<double> ranking;
    Rows<double> exposure_costs;
    Rows<Platform> platforms;
    Rows<Settings> settings;
    Rows<Active> active;
    Rows<int32_t> live;
    Rows<int32_t> looking;  // three of them
    Rows<int32_t> proposals;
    Rows<int64_t> ranks;
    Rows<int32_t> bins;     // eight rows, of which one is used
    Rows<int64_t> numbers;  // four rows of a block
    Rows<double> pays;      // four rows of a block
    Rows<int64_t> demand;
    Rows<std::uint8_t> gone;
    Rows<int64_t> fronts;  // two of each order
    Rows<int32_t> emptied;
    Rows<int32_t> places;  // three of them
    Rows<int32_t> exhausted;
    Rows<Event> events;
    Rows<int64_t> state;

    int64_t search() const;

private:
    void show(int64_t count, int64_t open) const;
    bool qualifies(const Listing& listing, const Active& entry) const;
    void add_noise(int64_t count) const;
    double pace(const Listing& listing, const Active& entry) const;
    bool may_look(const Active& entry) const;
    int64_t begin_round(int64_t searching) const;
    int64_t wanted(const Active& entry, const Listing& listing, int64_t seconds, int64_t done) const;
    void propose(int64_t count) const;
    void look(int64_t draw, int64_t first, int64_t count, int64_t open) const;
    int64_t examine(int64_t first, int64_t count, int64_t still) const;
    void allocate(int64_t round, int64_t count) const;
    void sort_by_rank(int32_t* sorted, int64_t count) const;
    bool would_return(const Active& entry, const Listing& listing, const Batch& batch, double log_keep) const;
    void work_on(int32_t place, Active& entry, bool returns, Listing& listing, Batch& batch) const;
    int64_t find_taker(int32_t worker, int32_t slot) const;
    int64_t new_taker(int32_t worker, int32_t slot, Listing& listing, Batch& batch, bool looked_up) const;
    int64_t key_of(int32_t slot) const;
    void drop_exhausted(int64_t how_many) const;
    void find_newest(int64_t how_many, int64_t count) const;
    void reach(int64_t number, int64_t deepest) const;
    void close_ranks(int64_t number) const;
    void drop_gone(int64_t number, int64_t count) const;

    int32_t* looking_row(int64_t number) const { return looking.first + number * (looking.count / 3); }
    int32_t* order(int64_t number) const { return orders.first + number * (orders.count / 3); }
    int64_t* keys_of(int64_t number) const { return keys.first + number * (keys.count / 3); }
    static int64_t bit_of(int64_t worker) { return static_cast<int64_t>(uint64_t{1} << (worker & 63)); }
    uint64_t home(int64_t worker, int64_t slot) const {
        return mix(static_cast<uint64_t>(worker * 4294967296 + slot)) & static_cast<uint64_t>(table.count - 1);
    }
};

// Draws become listings shown: the order by its weight, and the place in it; as tools rank, or the platform.
inline void Market::show(int64_t count, int64_t open) const {
    const int64_t* const words = &numbers[WORD * BLOCK];
    int64_t* const shown = &numbers[PLACE * BLOCK];
    int64_t* const which = &numbers[ORDER * BLOCK];
    const double many = static_cast<double>(open);
    double own[PARTS_OF_RANKING], made[PARTS_OF_RANKING];
    for (int64_t i = 0; i < PARTS_OF_RANKING; ++i) {
        own[i] = ranking[i];
        made[i] = ranking[PARTS_OF_RANKING + i];
    }
    const auto either = [&](bool tools, int64_t number) { return tools ? made[number] : own[number]; };
    for (int64_t i = 0; i < count; ++i) {
        const double draw = uniform_of(words[i]);
        const bool tools = which[i] > 0;
        const bool chance = draw >= either(tools, 3);
        double low = either(tools, 0), width = either(tools, 4);
        low = draw >= either(tools, 1) ? either(tools, 1) : low;
        width = draw >= either(tools, 1) ? either(tools, 5) : width;
        low = draw >= either(tools, 2) ? either(tools, 2) : low;
        width = draw >= either(tools, 2) ? either(tools, 6) : width;
        low = chance ? either(tools, 3) : low;
        width = chance ? either(tools, 7) : width;
        const double share = std::max(1e-18, (draw - low) * width);
        const double deep = exponential(share) * either(tools, 8);
        const int64_t place = static_cast<int64_t>(chance ? share * many : deep);
        shown[i] = place - open * static_cast<int64_t>(static_cast<double>(place) / many);
    }
    for (int64_t i = 0; i < count; ++i) {
        const double draw = uniform_of(words[i]);
        const bool tools = which[i] > 0;
        which[i] = draw >= either(tools, 3) ? 0 : (draw >= either(tools, 1)) + (draw >= either(tools, 2));
    }
}

inline bool Market::qualifies(const Listing& listing, const Active& entry) const {
    return (((listing.country_mask >> entry.country) & 1) == 1) & (listing.skill <= entry.skill) &
           (listing.tertiary <= entry.tertiary) &
           ((listing.approval_tasks <= 0) |
            ((listing.approval_tasks <= entry.accepted) & (listing.approval_rate <= entry.approval_rate)));
}

// Noise and taste of what some listings seem to pay some workers.
inline void Market::add_noise(int64_t count) const {
    const int64_t* const agents = &numbers[AGENT * BLOCK];
    const int64_t* const batch_keys = &numbers[KEY * BLOCK];
    const int64_t* const kinds = &numbers[KIND * BLOCK];
    double* const pay = &pays[PAY * BLOCK];
    const double* const sigmas = &pays[SIGMA * BLOCK];
    double* const noises = &pays[NOISE * BLOCK];
    double* const tastes = &pays[TASTE * BLOCK];
    const double taste_sigma = settings[0].taste_sigma;
    for (int64_t i = 0; i < count; ++i) {
        noises[i] = uniform(static_cast<uint64_t>(batch_keys[i]), agents[i], 0);
    }
    for (int64_t i = 0; i < count; ++i) {
        tastes[i] = uniform(taste_key, agents[i], kinds[i]);
    }
    for (int64_t i = 0; i < count; ++i) {
        pay[i] = (pay[i] + sigmas[i] * normal_fast(noises[i])) + taste_sigma * normal_fast(tastes[i]);
    }
}

inline int64_t Market::find_taker(int32_t worker, int32_t slot) const {
    const uint64_t mask = static_cast<uint64_t>(table.count - 1);
    for (uint64_t at = home(worker, slot); table[at] >= 0; at = (at + 1) & mask) {
        const Taker& taker = takers[table[at]];
        if (taker.worker == worker && taker.slot == slot) {
            return table[at];
        }
    }
    return -1;
}

inline double Market::pace(const Listing& listing, const Active& entry) const {
    return settings[0].pace_sigma * normal(listing.key, entry.id, 1);
}

inline bool Market::may_look(const Active& entry) const {
    return (entry.left >= entry.look_seconds) & (entry.fruitless < entry.patience);
}

inline int64_t Market::begin_round(int64_t searching) const {
    int32_t* const places = looking_row(0);
    int64_t count = 0;
    for (int64_t i = 0; i < searching; ++i) {
        Active& entry = active[live[i]];
        entry.want = 0;
        places[count] = live[i];
        count += may_look(entry);
    }
    return count;
}

inline int64_t Market::wanted(const Active& entry, const Listing& listing, int64_t seconds, int64_t done) const {
    const auto affordable = static_cast<int64_t>(static_cast<double>(entry.left) / static_cast<double>(seconds));
    return std::min({affordable, listing.tasks - done, int64_t{listing.left}});
}

// Of `count` places in the first row of `looking` that stand in its third.
inline void Market::propose(int64_t count) const {
    const int32_t* const places = looking_row(0);
    const int32_t* const slots = looking_row(1);
    int32_t* const accepting = looking_row(2);
    const int64_t* const agents = &numbers[AGENT * BLOCK];
    const int64_t* const batch_keys = &numbers[KEY * BLOCK];
    double* const paces = &pays[NOISE * BLOCK];
    double* const spells = &pays[TASTE * BLOCK];
    const double pace_sigma = settings[0].pace_sigma;
    const double spell_seconds = settings[0].spell_seconds, spell_sigma = settings[0].spell_log_sigma;
    const auto spell = [&](uint64_t key, int64_t agent, int64_t done) {
        return std::min(3600.0, spell_seconds * exp_of(spell_sigma * normal(key, agent, 2 + done)));
    };
    const auto tasks_of = [](double seconds, int64_t own) {
        return std::max(int64_t{1}, static_cast<int64_t>(seconds / static_cast<double>(own)));
    };
    for (int64_t i = 0; i < count; ++i) {
        paces[i] = pace_sigma * normal(static_cast<uint64_t>(batch_keys[i]), agents[i], 1);
    }
    for (int64_t i = 0; i < count; ++i) {
        spells[i] = spell(static_cast<uint64_t>(batch_keys[i]), agents[i], 0);
    }
    int64_t known = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int32_t at = accepting[i];
        Active& entry = active[places[at]];
        const Listing& listing = listings[slots[at]];
        const int64_t seconds = own_seconds(listing.true_seconds, entry.log_speed + paces[i]);
        entry.own_seconds = static_cast<int32_t>(seconds);
        entry.slot = slots[at];
        entry.taker = -1;
        const int64_t want = std::min(tasks_of(spells[i], seconds), wanted(entry, listing, seconds, 0));
        entry.want = static_cast<int32_t>(std::max(int64_t{0}, want));
        accepting[known] = at;
        fetch(table[home(entry.row, slots[at])]);
        known += (listing.taken_by >> (entry.row & 63)) & 1;
    }
    for (int64_t i = 0; i < known; ++i) {
        const int32_t at = accepting[i];
        Active& entry = active[places[at]];
        const int64_t taker = find_taker(entry.row, slots[at]);
        if (taker >= 0) {
            entry.taker = static_cast<int32_t>(taker);
            const Listing& listing = listings[slots[at]];
            const int64_t done = takers[taker].done;
            const double seconds = spell(listing.key, entry.id, done & (RETURNED - 1));
            const int64_t want = std::min(tasks_of(seconds, entry.own_seconds),
                                          wanted(entry, listing, entry.own_seconds, done));
            entry.want = static_cast<int32_t>(std::max(int64_t{0}, want));
        }
    }
}

// Each of a block of `count` workers takes the time for one listing, which is fetched meanwhile.
inline void Market::look(int64_t draw, int64_t first, int64_t count, int64_t open) const {
    const int32_t* const places = looking_row(0) + first;
    int32_t* const slots = looking_row(1) + first;
    int64_t* const agents = &numbers[AGENT * BLOCK];
    int64_t* const words = &numbers[WORD * BLOCK];
    const int64_t* const shown = &numbers[PLACE * BLOCK];
    int64_t* const which = &numbers[ORDER * BLOCK];
    for (int64_t i = 0; i < count; ++i) {
        Active& entry = active[places[i]];
        agents[i] = entry.id;
        which[i] = entry.tools;
        entry.left -= entry.look_seconds;
        entry.searched += entry.look_seconds;
        ++entry.fruitless;
    }
    for (int64_t i = 0; i < count; ++i) {
        words[i] = priority(search_key, agents[i], draw);
    }
    show(count, open);
    for (int64_t number = 1; number < 3; ++number) {
        int64_t deepest = -1;
        for (int64_t i = 0; i < count; ++i) {
            deepest = std::max(deepest, which[i] == number ? shown[i] : int64_t{-1});
        }
        reach(number, deepest);
    }
    for (int64_t i = 0; i < count; ++i) {
        slots[i] = order(which[i])[shown[i]];
        fetch(listings[slots[i]]);
    }
}

// Each of a block of `count` workers examines one listing; how many look on so far.
inline int64_t Market::examine(int64_t first, int64_t count, int64_t still) const {
    int32_t* const places = looking_row(0);
    int32_t* const slots = looking_row(1);
    int32_t* const fit = looking_row(2);
    int64_t* const agents = &numbers[AGENT * BLOCK];
    int64_t* const batch_keys = &numbers[KEY * BLOCK];
    int64_t* const kinds = &numbers[KIND * BLOCK];
    double* const pay = &pays[PAY * BLOCK];
    double* const sigmas = &pays[SIGMA * BLOCK];
    int64_t fitting = 0;
    for (int64_t i = first; i < first + count; ++i) {
        const Active& entry = active[places[i]];
        const Listing& listing = listings[slots[i]];
        fit[fitting] = static_cast<int32_t>(i);
        agents[fitting] = entry.id;
        batch_keys[fitting] = static_cast<int64_t>(listing.key);
        kinds[fitting] = listing.type;
        pay[fitting] = entry.trust * listing.log_stated_pay + entry.log_pay;
        sigmas[fitting] = entry.sigma;
        fitting += qualifies(listing, entry);
    }
    add_noise(fitting);
    int64_t accepting = 0;
    for (int64_t i = 0; i < fitting; ++i) {
        const int32_t at = fit[i];
        const double seems = pay[i] - exposure_costs[kinds[i]];
        fit[accepting] = at;
        agents[accepting] = agents[i];
        batch_keys[accepting] = batch_keys[i];
        accepting += satisficing(seems, active[places[at]].log_reservation);
    }
    propose(accepting);
    for (int64_t i = first; i < first + count; ++i) {
        const int32_t place = places[i];
        const Active& entry = active[place];
        places[still] = place;
        still += (entry.want == 0) & may_look(entry);
    }
    return still;
}

// Where more is wanted than there is, grant by rising priority: `want` becomes what each is granted.
inline void Market::allocate(int64_t round, int64_t count) const {
    int32_t* const crowd = looking_row(0);
    int32_t* const sorted = looking_row(1);
    int64_t* const agents = &numbers[AGENT * BLOCK];
    int64_t crowded = 0;
    for (int64_t i = 0; i < count; ++i) {
        const int32_t slot = active[proposals[i]].slot;
        crowd[crowded] = proposals[i];
        crowded += demand[slot] > listings[slot].left;
    }
    for (int64_t first = 0; first < crowded; first += BLOCK) {
        const int64_t size = std::min<int64_t>(BLOCK, crowded - first);
        for (int64_t i = 0; i < size; ++i) {
            agents[i] = active[crowd[first + i]].id;
        }
        for (int64_t i = 0; i < size; ++i) {
            ranks[first + i] = priority(priority_key, agents[i], round);
        }
    }
    sort_by_rank(sorted, crowded);
    for (int64_t i = 0; i < crowded; ++i) {
        const int32_t slot = active[crowd[i]].slot;
        demand[slot] = listings[slot].left;
    }
    for (int64_t i = 0; i < crowded; ++i) {
        Active& entry = active[crowd[sorted[i]]];
        entry.want = static_cast<int32_t>(std::min<int64_t>(demand[entry.slot], entry.want));
        demand[entry.slot] -= entry.want;
    }
}

// Write the numbers from 0 to `count`, by rising rank: first to bins by the upper bits, which are spread evenly.
inline void Market::sort_by_rank(int32_t* sorted, int64_t count) const {
    if (count > FEW_SLOTS) {
        for (int64_t i = 0; i < count; ++i) {
            ++bins[ranks[i] >> RANK_SHIFT];
        }
        int32_t first = 0;
        for (int64_t bin = 0; bin < BINS; ++bin) {
            first += std::exchange(bins[bin], first);
        }
        for (int64_t i = 0; i < count; ++i) {
            sorted[bins[ranks[i] >> RANK_SHIFT]++] = static_cast<int32_t>(i);
        }
        std::fill(bins.first, bins.first + BINS, 0);
    } else {
        for (int64_t i = 0; i < count; ++i) {
            sorted[i] = static_cast<int32_t>(i);
        }
    }
    for (int64_t i = 1; i < count; ++i) {
        const int32_t number = sorted[i];
        const int64_t rank = ranks[number];
        int64_t at = i;
        for (; at > 0 && ranks[sorted[at - 1]] > rank; --at) {
            sorted[at] = sorted[at - 1];
        }
        sorted[at] = number;
    }
}

inline int64_t Market::new_taker(int32_t worker, int32_t slot, Listing& listing, Batch& batch,
                                 bool looked_up) const {
    const int32_t at = free_takers[--state[FREE_TAKERS]];
    Taker& taker = takers[at];
    taker.worker = worker;
    taker.slot = slot;
    taker.done = 0;
    taker.next = batch.first_taker;
    batch.first_taker = at;
    if (looked_up) {
        listing.taken_by |= bit_of(worker);
        const uint64_t mask = static_cast<uint64_t>(table.count - 1);
        uint64_t place = home(worker, slot);
        while (table[place] >= 0) {
            place = (place + 1) & mask;
        }
        table[place] = at;
        ++state[ENTERED];
    }
    return at;
}

inline bool Market::would_return(const Active& entry, const Listing& listing, const Batch& batch,
                                 double log_keep) const {
    const double true_pay = batch.log_true_pay + entry.log_speed + pace(listing, entry) + log_keep;
    return (entry.taker < 0) & returns_task(true_pay, entry.log_reservation, settings[0].log_return_ratio);
}

inline void Market::work_on(int32_t place, Active& entry, bool returns, Listing& listing, Batch& batch) const {
    int64_t at = entry.taker;
    Event& event = events[state[EVENTS]++];
    event.slot = entry.slot;
    event.active = place;
    event.own_seconds = entry.own_seconds;
    event.start = entry.duty - entry.left;
    event.accepted = 0;
    if (at < 0) {
        at = new_taker(entry.row, entry.slot, listing, batch, returns || entry.want < listing.left);
        if (returns) {
            const int32_t spent =
                static_cast<int32_t>(static_cast<double>(entry.own_seconds) * settings[0].return_share + 0.5);
            takers[at].done = RETURNED;
            event.kind = RETURN;
            event.done = 0;
            event.own_seconds = spent;
            entry.left -= spent;
            event.end = entry.duty - entry.left;
            return;
        }
    }
    takers[at].done += entry.want;
    listing.left -= entry.want;
    entry.left -= entry.want * entry.own_seconds;
    entry.fruitless = 0;
    entry.served = 1;
    event.kind = WORK;
    event.done = entry.want;
    event.end = entry.duty - entry.left;
}

// Of the newest: by the hour of posting, then by hash.
inline int64_t Market::key_of(int32_t slot) const {
    return int64_t{batches[slot].posted_hour} * 4294967296 + listings[slot].rank_hash;
}

// Find the batches in `emptied` among the newest; their places, which rise, come into `places`.
inline void Market::find_newest(int64_t how_many, int64_t count) const {
    const int32_t* const slots = order(0);
    const int64_t* const sorted = keys_of(0);
    int64_t* const wanted_keys = numbers.first;
    int64_t* const at = numbers.first + BLOCK;
    for (int64_t first = 0; first < how_many; first += BLOCK) {
        const int64_t size = std::min<int64_t>(BLOCK, how_many - first);
        for (int64_t i = 0; i < size; ++i) {
            wanted_keys[i] = key_of(emptied[first + i]);
            at[i] = 0;
        }
        for (int64_t length = count; length > 1;) {
            const int64_t half = length >> 1;
            for (int64_t i = 0; i < size; ++i) {
                at[i] += sorted[at[i] + half - 1] > wanted_keys[i] ? half : 0;
            }
            length -= half;
        }
        for (int64_t i = 0; i < size; ++i) {
            int32_t place = static_cast<int32_t>(at[i]);
            while (slots[place] != emptied[first + i]) {  // batches with the same hash
                ++place;
            }
            int64_t to = first + i;
            for (; to > 0 && places[to - 1] > place; --to) {
                places[to] = places[to - 1];
            }
            places[to] = place;
        }
    }
}

// Out of the newest, and out of the front of the other two orders, where nobody looks far.
inline void Market::drop_exhausted(int64_t how_many) const {
    for (int64_t i = 0; i < how_many; ++i) {
        gone[emptied[i]] = 1;
    }
    const int64_t count = state[OPEN];
    find_newest(how_many, count);
    int32_t* const slots = order(0);
    int64_t* const sorted = keys_of(0);
    for (int64_t i = 0; i < how_many; ++i) {
        exhausted[state[EXHAUSTED] + i] = slots[places[i]];
    }
    state[EXHAUSTED] += how_many;
    state[OPEN] -= how_many;
    for (int64_t i = 0; i < how_many; ++i) {
        const int64_t from = places[i] + 1, to = i + 1 < how_many ? places[i + 1] : count;
        std::copy(slots + from, slots + to, slots + from - i - 1);
        std::copy(sorted + from, sorted + to, sorted + from - i - 1);
    }
    close_ranks(1);
    close_ranks(2);
}

// Let no batch that is gone stand among the first of an order; those behind come up.
inline void Market::reach(int64_t number, int64_t deepest) const {
    int32_t* const slots = order(number);
    int64_t* const sorted = keys_of(number);
    int64_t front = fronts[2 * number + FRONT], after = fronts[2 * number + NEXT];
    for (; front <= deepest; ++after) {
        const int32_t slot = slots[after];
        slots[after] = slots[front];
        slots[front] = slot;
        sorted[front] = sorted[after];
        front += 1 - gone[slot];
    }
    fronts[2 * number + FRONT] = front;
    fronts[2 * number + NEXT] = after;
}

// Move those that are gone behind the others of an order's front.
inline void Market::close_ranks(int64_t number) const {
    int32_t* const slots = order(number);
    int64_t* const sorted = keys_of(number);
    int64_t kept = 0;
    for (int64_t i = 0; i < fronts[2 * number + FRONT]; ++i) {
        const int32_t slot = slots[i];
        const int64_t key = sorted[i];
        slots[i] = slots[kept];
        slots[kept] = slot;
        sorted[kept] = key;
        kept += 1 - gone[slot];
    }
    fronts[2 * number + FRONT] = kept;
}

// Take all that are gone out of an order.
inline void Market::drop_gone(int64_t number, int64_t count) const {
    int32_t* const slots = order(number);
    int64_t* const sorted = keys_of(number);
    int64_t kept = 0;
    for (int64_t i = 0; i < count; ++i) {
        slots[kept] = slots[i];
        sorted[kept] = sorted[i];
        kept += 1 - gone[slots[kept]];
    }
}

// Play rounds until nobody has both time and patience: -1. A round for which there might be no room is not
// played; its number is returned.
int64_t Market::search() const {
    const double log_keep = log_of(1.0 - static_cast<double>(platforms[0].worker_fee_ppm) / 1000000.0);
    const int64_t listed = state[OPEN], closed = state[EXHAUSTED], max_rounds = settings[0].max_rounds;
    std::fill(fronts.first, fronts.first + fronts.count, 0);
    if (start_round == 0) {
        std::iota(live.first, live.first + state[LIVE], 0);
    }
    int64_t next_round = max_rounds;
    for (int64_t round = start_round; round < max_rounds; ++round) {
        const int64_t searching = state[LIVE];
        if (searching == 0 || state[OPEN] == 0) {
            next_round = -1;
            break;
        }
        if (state[EVENTS] + searching > events.count || state[FREE_TAKERS] < searching ||
            2 * (state[ENTERED] + searching) > table.count) {
            next_round = round;
            break;
        }
        int64_t count = begin_round(searching);
        for (int64_t number = 0; number < settings[0].looks && count > 0; ++number) {
            for (int64_t first = 0; first < count; first += BLOCK) {
                look(round * DRAWS_OF_A_ROUND + number, first, std::min<int64_t>(BLOCK, count - first), state[OPEN]);
            }
            int64_t still = 0;
            for (int64_t first = 0; first < count; first += BLOCK) {
                still = examine(first, std::min<int64_t>(BLOCK, count - first), still);
            }
            count = still;
        }
        int64_t proposing = 0;
        for (int64_t i = 0; i < searching; ++i) {
            proposals[proposing] = live[i];
            proposing += active[live[i]].want > 0;
        }
        bool crowded = false;
        for (int64_t i = 0; i < proposing; ++i) {
            const Active& entry = active[proposals[i]];
            demand[entry.slot] += entry.want;
            crowded |= demand[entry.slot] > listings[entry.slot].left;
        }
        if (crowded) {
            allocate(round, proposing);
        }
        int64_t working = 0;
        for (int64_t i = 0; i < proposing; ++i) {
            const int32_t place = proposals[i];
            demand[active[place].slot] = 0;
            proposals[working] = place;
            working += active[place].want > 0;
            fetch(batches[active[place].slot]);
        }
        int32_t* const returning = looking_row(1);
        for (int64_t i = 0; i < working; ++i) {
            const Active& entry = active[proposals[i]];
            returning[i] = would_return(entry, listings[entry.slot], batches[entry.slot], log_keep);
        }
        for (int64_t i = 0; i < working; ++i) {
            fetch(takers[free_takers[state[FREE_TAKERS] - 1 - i]]);
        }
        int64_t how_many = 0;
        for (int64_t i = 0; i < working; ++i) {
            const int32_t place = proposals[i];
            Active& entry = active[place];
            Listing& listing = listings[entry.slot];
            work_on(place, entry, returning[i] != 0, listing, batches[entry.slot]);
            emptied[how_many] = entry.slot;
            how_many += listing.left == 0;
        }
        if (how_many > 0) {
            drop_exhausted(how_many);
        }
        int64_t still = 0;
        for (int64_t i = 0; i < searching; ++i) {
            const Active& entry = active[live[i]];
            live[still] = live[i];
            still += may_look(entry);
        }
        state[LIVE] = still;
    }
    if (state[OPEN] < listed) {
        drop_gone(1, listed);
        drop_gone(2, listed);
        for (int64_t i = closed; i < state[EXHAUSTED]; ++i) {
            gone[exhausted[i]] = 0;
        }
    }
    if (next_round < max_rounds) {
        return next_round;
    }
    for (int64_t i = 0; i < state[LIVE]; ++i) {
        state[CUT_OFF] += active[live[i]].left;
    }
    return -1;
}

// --- dumped calls ---

struct Buffer {
    explicit Buffer(std::size_t bytes)
        : size(bytes), memory(static_cast<char*>(::operator new(bytes + 64, std::align_val_t{64}))) {}
    Buffer(Buffer&& other) noexcept : size(other.size), memory(std::exchange(other.memory, nullptr)) {}
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer& operator=(Buffer&&) = delete;
    ~Buffer() { ::operator delete(memory, std::align_val_t{64}); }

    std::size_t size;
    char* memory;
};

struct Array {
    std::string name;
    int64_t row_bytes = 0, rows = 0;
    std::vector<char> before, after;
    Buffer used{0};
};

class Call {
public:
    explicit Call(const std::string& header);

    // Bring every array back to what it was before the call.
    void refresh() {
        for (Array& array : arrays_) {
            std::memcpy(array.used.memory, array.before.data(), array.before.size());
        }
    }

    int64_t play() const { return market_.search(); }

    // Play and compare with what the kernel left; return how many arrays and results differ.
    int check();

private:
    template <typename Row>
    Rows<Row> rows(const std::string& name) {
        Array& array = *std::find_if(arrays_.begin(), arrays_.end(), [&](const Array& a) { return a.name == name; });
        if (array.row_bytes != static_cast<int64_t>(sizeof(Row))) {
            throw std::runtime_error(header_ + ": rows of " + name + " have another size");
        }
        return {reinterpret_cast<Row*>(array.used.memory), array.rows};
    }

    int64_t scalar(const std::string& name) const { return scalars_.at(name); }

    std::string header_;
    std::map<std::string, int64_t> scalars_;
    std::vector<Array> arrays_;  // in the order of the kernel's arguments
    Market market_;
};

std::vector<char> read_part(std::ifstream& data, int64_t offset, int64_t bytes) {
    std::vector<char> part(static_cast<std::size_t>(bytes));
    data.seekg(offset);
    data.read(part.data(), bytes);
    if (!data) {
        throw std::runtime_error("the dump is cut short");
    }
    return part;
}

// A header has lines "scalar NAME VALUE" and "array NAME ROW_BYTES ROWS BEFORE AFTER", the last two being
// offsets into the file of the same name that ends in .bin.
Call::Call(const std::string& header) : header_(header) {
    std::ifstream lines(header);
    std::ifstream data(header.substr(0, header.rfind('.')) + ".bin", std::ios::binary);
    std::string kind, name;
    while (lines >> kind >> name) {
        if (kind == "scalar") {
            lines >> scalars_[name];
        } else {
            int64_t row_bytes = 0, rows = 0, before = 0, after = 0;
            lines >> row_bytes >> rows >> before >> after;
            const int64_t bytes = row_bytes * rows;
            arrays_.push_back(Array{name, row_bytes, rows, read_part(data, before, bytes),
                                    read_part(data, after, bytes), Buffer(static_cast<std::size_t>(bytes))});
        }
    }
    market_.start_round = scalar("start_round");
    market_.search_key = static_cast<uint64_t>(scalar("search_key"));
    market_.taste_key = static_cast<uint64_t>(scalar("taste_key"));
    market_.priority_key = static_cast<uint64_t>(scalar("priority_key"));
    market_.listings = rows<Listing>("listings");
    market_.batches = rows<Batch>("batches");
    market_.orders = rows<int32_t>("orders");
    market_.keys = rows<int64_t>("keys");
    market_.takers = rows<Taker>("takers");
    market_.free_takers = rows<int32_t>("free_takers");
    market_.table = rows<int32_t>("table");
    market_.ranking = rows<double>("ranking");
    market_.exposure_costs = rows<double>("exposure_costs");
    market_.platforms = rows<Platform>("platforms");
    market_.settings = rows<Settings>("settings");
    market_.active = rows<Active>("active");
    market_.live = rows<int32_t>("live");
    market_.looking = rows<int32_t>("looking");
    market_.proposals = rows<int32_t>("proposals");
    market_.ranks = rows<int64_t>("ranks");
    market_.bins = rows<int32_t>("bins");
    market_.numbers = rows<int64_t>("numbers");
    market_.pays = rows<double>("pays");
    market_.demand = rows<int64_t>("demand");
    market_.gone = rows<std::uint8_t>("gone");
    market_.fronts = rows<int64_t>("fronts");
    market_.emptied = rows<int32_t>("emptied");
    market_.places = rows<int32_t>("places");
    market_.exhausted = rows<int32_t>("exhausted");
    market_.events = rows<Event>("events");
    market_.state = rows<int64_t>("state");
}

int Call::check() {
    refresh();
    int differing = 0;
    const int64_t result = play();
    if (result != scalar("result")) {
        std::cout << header_ << ": returned " << result << ", the kernel " << scalar("result") << '\n';
        ++differing;
    }
    for (const Array& array : arrays_) {
        const char* const used = array.used.memory;
        const auto [expected, found] = std::mismatch(array.after.begin(), array.after.end(), used);
        if (expected != array.after.end()) {
            const int64_t row = (expected - array.after.begin()) / array.row_bytes;
            std::cout << header_ << ": " << array.name << " differs from row " << row << " on\n";
            ++differing;
        }
    }
    return differing;
}

double cpu_seconds() {
    timespec now{};
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Play every call once from a fresh copy; only the playing is timed.
double time_once(std::vector<Call>& calls) {
    double seconds = 0.0;
    for (Call& call : calls) {
        call.refresh();
        const double began = cpu_seconds();
        call.play();
        seconds += cpu_seconds() - began;
    }
    return seconds;
}

}  // namespace

int main(int count, char** words) {
    if (count < 3) {
        std::cerr << "usage: search check|time CALL...\n";
        return 2;
    }
    std::vector<Call> calls;
    for (int i = 2; i < count; ++i) {
        calls.emplace_back(words[i]);
    }
    if (std::string(words[1]) == "check") {
        int differing = 0;
        for (Call& call : calls) {
            differing += call.check();
        }
        std::cout << calls.size() << " calls, " << differing << " differences\n";
        return differing == 0 ? 0 : 1;
    }
    for (std::string line; std::getline(std::cin, line);) {
        std::printf("%.9f\n", time_once(calls));
        std::fflush(stdout);
    }
    return 0;
}
