import KernelInterface

/// How the rows of a batch fall into identities.
public enum Identities: Sendable {
    /// A P×K batch: identity after identity, K rows each.
    case samplesPerId(Int)
    /// One label a row: any values, any order, unequal counts.
    case labels([Int64])
}

extension PullPushLoss {
    /// Loss and, if wanted, gradient of rows in memory.
    ///
    /// - Parameters:
    ///   - features: `rows` rows of `dim` elements
    ///   - rowStride: elements from one row to the next; nil means `dim`
    ///   - gradient: receives the gradient of `upstream · loss` with respect to the raw features, or nil. Must not overlap
    ///     the features. Elements between its rows stay as they are, and all do when the call throws.
    ///   - gradientStride: as `rowStride`
    ///   - accumulate: add to what the gradient holds
    ///
    /// Complexity: O(rows · dim) for the linear push; see `docs/mathematics.md` for the others.
    @discardableResult
    public func evaluate<T: FeatureElement>(
        features: UnsafePointer<T>, rows: Int, dim: Int, rowStride: Int? = nil, identities: Identities,
        gradient: UnsafeMutablePointer<T>? = nil, gradientStride: Int? = nil, upstream: Double = 1,
        accumulate: Bool = false
    ) throws(PullPushError) -> LossResult {
        let target = gradient.map {
            GradientTarget(start: $0, rowStride: gradientStride ?? dim, upstream: upstream, accumulate: accumulate)
        }
        return try withBatch(features, rows, dim, rowStride, identities) { (batch) throws(PullPushError) in
            try evaluate(batch, target)
        }
    }

    /// Describes a batch and keeps its labels in place while `body` runs.
    func withBatch<T: FeatureElement, R>(
        _ features: UnsafePointer<T>, _ rows: Int, _ dim: Int, _ rowStride: Int?, _ identities: Identities,
        _ body: (Batch) throws(PullPushError) -> R
    ) throws(PullPushError) -> R {
        let element = try T.element()
        func batch(_ identities: Batch.Identities) -> Batch {
            Batch(
                features: UnsafeRawPointer(features), element: element, rows: rows, dim: dim,
                rowStride: rowStride ?? dim, identities: identities)
        }
        switch identities {
        case .samplesPerId(let count):
            return try body(batch(.samplesPerId(count)))
        case .labels(let labels):
            if labels.count != rows {
                throw PullPushError(
                    .size, "labels.count", .integer(labels.count), expected: "one label a row, so", rows)
            }
            return try labels.withUnsafeBufferPointer { (labels) throws(PullPushError) in
                guard let start = labels.baseAddress else {
                    throw PullPushError(.size, "rows", .integer(0), expected: "at least 1")
                }
                return try body(batch(.labels(start)))
            }
        }
    }

    /// Loss and, if wanted, gradient of contiguous rows; the base of the calls on arrays and spans.
    private func evaluate<T: FeatureElement>(
        _ features: UnsafeBufferPointer<T>, _ dim: Int, _ identities: Identities,
        _ gradient: UnsafeMutableBufferPointer<T>?, _ upstream: Double, _ accumulate: Bool
    ) throws(PullPushError) -> LossResult {
        let (start, rows) = try features.rows(of: dim)
        if let gradient, gradient.count != features.count {
            throw PullPushError(
                .size, "gradient.count", .integer(gradient.count), expected: "as many elements as features,",
                features.count)
        }
        return try evaluate(
            features: start, rows: rows, dim: dim, identities: identities, gradient: gradient?.baseAddress,
            upstream: upstream, accumulate: accumulate)
    }
}

extension UnsafeBufferPointer {
    /// The start of contiguous rows and their number.
    func rows(of dim: Int) throws(PullPushError) -> (UnsafePointer<Element>, Int) {
        if dim < 1 { throw PullPushError(.size, "dim", .integer(dim), expected: "at least 1") }
        if count % dim != 0 {
            throw PullPushError(.size, "features.count", .integer(count), expected: "a multiple of dim,", dim)
        }
        guard let baseAddress, count > 0 else {
            throw PullPushError(.size, "rows", .integer(0), expected: "at least 1")
        }
        return (baseAddress, count / dim)
    }
}

// MARK: Arrays and spans

extension PullPushLoss {
    /// The loss of a batch of contiguous rows of `dim` elements.
    public func value<T: FeatureElement>(
        of features: [T], dim: Int, identities: Identities
    ) throws(PullPushError) -> LossResult {
        try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            try evaluate(features, dim, identities, nil, 1, false)
        }
    }

    /// The loss of a batch of contiguous rows of `dim` elements, and the gradient of `upstream · loss` with respect to
    /// the raw features, shaped like them.
    public func valueAndGradient<T: FeatureElement>(
        of features: [T], dim: Int, identities: Identities, upstream: Double = 1
    ) throws(PullPushError) -> (result: LossResult, gradient: [T]) {
        var gradient = [T](repeating: .zeroElement, count: features.count)
        let result = try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            try gradient.withUnsafeMutableBufferPointer { (gradient) throws(PullPushError) in
                try evaluate(features, dim, identities, gradient, upstream, false)
            }
        }
        return (result, gradient)
    }

    /// The loss of a batch of contiguous rows of `dim` elements.
    public func value<T: FeatureElement>(
        of features: Span<T>, dim: Int, identities: Identities
    ) throws(PullPushError) -> LossResult {
        try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            try evaluate(features, dim, identities, nil, 1, false)
        }
    }

    /// The loss of a batch of contiguous rows of `dim` elements, with the gradient of `upstream · loss` written, or added,
    /// to memory the caller has.
    public func valueAndGradient<T: FeatureElement>(
        of features: Span<T>, dim: Int, identities: Identities, upstream: Double = 1,
        into gradient: inout MutableSpan<T>, accumulate: Bool = false
    ) throws(PullPushError) -> LossResult {
        try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            try gradient.withUnsafeMutableBufferPointer { (gradient) throws(PullPushError) in
                try evaluate(features, dim, identities, gradient, upstream, accumulate)
            }
        }
    }
}
