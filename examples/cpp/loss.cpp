// The general call from C++17: vectors in, a struct out, an exception with the library's own sentence on failure.
#include <cstdio>
#include <stdexcept>
#include <vector>

#include "pullpush.h"

struct Loss {
    pullpush_result result;
    std::vector<float> gradient;
};

Loss evaluate(const std::vector<float> &features, std::size_t dim, std::size_t samples_per_id,
              const pullpush_options &options) {
    pullpush_batch batch{};
    batch.struct_size = sizeof batch;
    batch.features = features.data();
    batch.rows = features.size() / dim;
    batch.dim = dim;
    batch.samples_per_id = samples_per_id;
    batch.dtype = PULLPUSH_DTYPE_F32;

    Loss loss{};
    loss.result.struct_size = sizeof loss.result;
    loss.gradient.resize(features.size());
    char message[256];
    if (pullpush_evaluate(&batch, &options, &loss.result, loss.gradient.data(), 0, message, sizeof message))
        throw std::invalid_argument(message);
    return loss;
}

int main() {
    pullpush_options options;
    pullpush_options_init(&options, sizeof options);
    options.push = PULLPUSH_PUSH_HINGE;
    options.margin = 0.25;

    const std::vector<float> features{2, 0, 0, 4, 3, 0, 3, 0, 4, 0, 0, 5, 0, 7, 0, 0, 8, 6};
    const auto [result, gradient] = evaluate(features, 3, 2, options);
    std::printf("loss %.4f = pull %.4f + push %.4f, %llu of %llu pairs active\n", result.loss, result.pull, result.push,
                static_cast<unsigned long long>(result.active_pairs),
                static_cast<unsigned long long>(result.negative_pairs));

    try {
        evaluate(features, 3, 4, options);
    } catch (const std::invalid_argument &error) {
        std::printf("refused: %s\n", error.what());
    }
    return 0;
}
