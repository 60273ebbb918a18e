// Arrays of dense replicates.
#ifndef AUTAPSE_ARRAYS_H
#define AUTAPSE_ARRAYS_H
#include <cmath>
#include <cstdlib>
#include <new>

// Every array begins at a cache line, so that no vector register is loaded from two of them.
void *operator new(std::size_t size) {
    void *memory = std::aligned_alloc(64, (size + 63) / 64 * 64);
    if (!memory) throw std::bad_alloc();
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

namespace autapse {

inline std::size_t tile = 0;                         // the first of the replicates that are being run

// 1/values, for divisions by what does not change during a run
template <class F> const F *reciprocals(const F *values, std::size_t size) {
    F *found = new F[size];
    for (std::size_t k = 0; k < size; k++) found[k] = 1 / values[k];
    return found;
}

// exp(step/values), for filters whose time constants do not change during a run
template <class F> const F *exponentials(double step, const F *values, std::size_t size) {
    F *found = new F[size];
    for (std::size_t k = 0; k < size; k++) found[k] = std::exp(step / values[k]);
    return found;
}

}  // namespace autapse
#endif
