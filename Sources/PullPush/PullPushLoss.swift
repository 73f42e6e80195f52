import KernelInterface

/// The pull-push loss and its gradient, with every option.
///
/// In a batch of identities `c` with `K_c` rows each, pull the rows of one identity together and push identities apart:
///
///     loss = pullWeight · pull + pushWeight · push
///
/// The defaults are the original loss on raw features. See `docs/mathematics.md` for all formulas.
public struct PullPushLoss: Sendable, Equatable {
    /// How a raw row `f` of norm `n` becomes the row `x` that the loss sees. The gradient is with respect to `f`.
    public enum Normalize: Int32, Sendable {
        /// `x = f`
        case none = 0
        /// `x = f / max(n, 1e-12)`
        case l2 = 1
        /// `n > 1e-5`: `x = f / (n + 1e-7)`, else `x = 1e5 f`, as PyTorch's `renorm(2, 0, 1e-5).mul(1e5)`
        case renorm = 2
    }

    /// Whether pairs `(a, a)` count in the pull and in the linear push between representatives.
    public enum SelfPairs: Int32, Sendable {
        case include = 0
        case exclude = 1
    }

    /// What a hinge push is divided by.
    public enum Reduction: Int32, Sendable {
        /// All pairs.
        case mean = 0
        /// The pairs whose hinge is above zero.
        case meanActive = 1
    }

    /// What is averaged over the pairs of the push; `s` is the inner product and `d` the squared distance of a pair.
    public enum Push: Sendable, Equatable {
        /// `s`, or `−d` with the squared Euclidean objective.
        case linear
        /// `(s − target)²`; not with the squared Euclidean objective.
        case squared(target: Double = 0)
        /// `max(0, s − margin)`, or `max(0, margin − d)` with the squared Euclidean objective.
        case hinge(margin: Double = 0, reduction: Reduction = .mean)
    }

    /// Which vectors are pushed apart.
    public enum PushBetween: Int32, Sendable {
        /// The first row of each identity, in batch order.
        case representatives = 0
        /// The mean row of each identity.
        case centroids = 1
        /// All rows, in pairs of different identities.
        case all = 2
    }

    /// What a pair is judged by.
    public enum Objective: Int32, Sendable {
        case innerProduct = 0
        case squaredEuclidean = 1
    }

    public var normalize: Normalize
    public var selfPairs: SelfPairs
    public var push: Push
    public var pushBetween: PushBetween
    public var objective: Objective
    public var pullWeight: Double
    public var pushWeight: Double
    /// 0: chosen by the size of the batch; 1: the calling thread alone. The bits of the result do not depend on it.
    public var numThreads: Int
    /// Refuse features with a NaN or an infinity.
    public var checkFinite: Bool

    public init(
        normalize: Normalize = .renorm,
        selfPairs: SelfPairs = .include,
        push: Push = .linear,
        pushBetween: PushBetween = .representatives,
        objective: Objective = .innerProduct,
        pullWeight: Double = 1,
        pushWeight: Double = 1,
        numThreads: Int = 0,
        checkFinite: Bool = false
    ) {
        self.normalize = normalize
        self.selfPairs = selfPairs
        self.push = push
        self.pushBetween = pushBetween
        self.objective = objective
        self.pullWeight = pullWeight
        self.pushWeight = pushWeight
        self.numThreads = numThreads
        self.checkFinite = checkFinite
    }

    /// Every default: the original loss on raw features.
    public static let original = PullPushLoss()

    /// Different identities towards inner product 0: l2, self pairs excluded, squared push with target 0.
    public static let orthogonal = PullPushLoss(normalize: .l2, selfPairs: .exclude, push: .squared(target: 0))
}

/// The loss of a batch and its parts.
public struct LossResult: Sendable, Equatable {
    /// `pullWeight · pull + pushWeight · push`
    public var loss: Double
    public var pull: Double
    public var push: Double
    /// Mean `x_a · x_b` over the ordered pairs of different rows of one identity; 0 without such a pair.
    public var meanPositive: Double
    /// Mean inner product over the ordered pairs the push is between; 0 without such a pair.
    public var meanNegative: Double
    public var positivePairs: Int
    public var negativePairs: Int
    /// With a hinge push, the pairs whose hinge is above zero; else `negativePairs`.
    public var activePairs: Int
}

package func requireFinite(_ value: Double, _ name: StaticString) throws(PullPushError) {
    if !value.isFinite { throw PullPushError(.option, name, .real(value), expected: "a finite number") }
}

extension PullPushLoss {
    /// The options that no formula has a meaning for.
    func validate() throws(PullPushError) {
        try requireFinite(pullWeight, "pull_weight")
        try requireFinite(pushWeight, "push_weight")
        switch push {
        case .linear:
            break
        case .squared(let target):
            try requireFinite(target, "target")
            if objective == .squaredEuclidean {
                throw PullPushError(
                    .option, "push squared with objective squared_euclidean", .unspecified,
                    expected: "objective inner_product, or push linear or hinge")
            }
        case .hinge(let margin, _):
            try requireFinite(margin, "margin")
        }
        if numThreads < 0 {
            throw PullPushError(
                .option, "num_threads", .integer(numThreads), expected: "0 (automatic) or a positive number")
        }
    }

    var normalization: Normalization {
        switch normalize {
        case .none: .none
        case .l2: .l2
        case .renorm: .renorm
        }
    }

    var points: PushPoints {
        switch pushBetween {
        case .representatives: .representatives
        case .centroids: .centroids
        case .all: .all
        }
    }

    @inline(__always)
    var pullForm: PullForm {
        if objective == .squaredEuclidean { return .squaredEuclidean }
        return selfPairs == .include ? .withSelfPairs : .withoutSelfPairs
    }

    /// Rows as they are and self pairs included is the one case where the pull does not ask for the spread around the
    /// centroid: its numerator is no smaller than the rounding of the rows' own norms.
    @inline(__always)
    var centred: Bool { normalize != .none || pullForm != .withSelfPairs }
}
