/// What the parts of one batch must share: many machines, or more rows than memory.
///
/// Every part accumulates its rows into statistics of its own; their sum, by `+=` or any all-reduce over `values`, gives
/// every part the loss of the whole batch and the gradient of its own rows. Every identity must lie whole in one part.
/// The hinge push has no additive statistics.
public struct BatchStatistics: Sendable {
    public let loss: PullPushLoss
    public let dim: Int
    /// The numbers that add up. Their order is the library's own and may change between versions.
    public var values: [Double]

    /// Statistics of no rows.
    public init(_ loss: PullPushLoss, dim: Int) throws(PullPushError) {
        self.loss = loss
        self.dim = dim
        values = [Double](repeating: 0, count: try loss.statisticsCount(dim: dim))
    }

    /// Adds the share of contiguous rows of `dim` elements.
    public mutating func accumulate<T: FeatureElement>(_ features: [T], identities: Identities) throws(PullPushError) {
        try checkCount()
        let (loss, dim) = (loss, dim)
        try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            let (start, rows) = try features.rows(of: dim)
            try values.withUnsafeMutableBufferPointer { (values) throws(PullPushError) in
                try loss.withBatch(start, rows, dim, nil, identities) { (batch) throws(PullPushError) in
                    try loss.accumulate(batch, into: values.baseAddress.unsafelyUnwrapped)
                }
            }
        }
    }

    public static func += (total: inout BatchStatistics, part: BatchStatistics) {
        precondition(total.values.count == part.values.count, "statistics of different dim or options do not add up")
        for i in total.values.indices { total.values[i] += part.values[i] }
    }

    /// With the total of all parts: the result of the whole batch, and the gradient of these rows, which are one part.
    public func finish<T: FeatureElement>(
        _ features: [T], identities: Identities, upstream: Double = 1
    ) throws(PullPushError) -> (result: LossResult, gradient: [T]) {
        try checkCount()
        var gradient = [T](repeating: .zeroElement, count: features.count)
        let result = try features.withUnsafeBufferPointer { (features) throws(PullPushError) in
            let (start, rows) = try features.rows(of: dim)
            return try gradient.withUnsafeMutableBufferPointer { (gradient) throws(PullPushError) in
                let target = GradientTarget(
                    start: gradient.baseAddress.unsafelyUnwrapped, rowStride: dim, upstream: upstream, accumulate: false
                )
                return try values.withUnsafeBufferPointer { (values) throws(PullPushError) in
                    try loss.withBatch(start, rows, dim, nil, identities) { (batch) throws(PullPushError) in
                        try loss.finish(batch, values.baseAddress.unsafelyUnwrapped, target)
                    }
                }
            }
        }
        return (result, gradient)
    }

    private func checkCount() throws(PullPushError) {
        let needed = try loss.statisticsCount(dim: dim)
        if values.count != needed {
            throw PullPushError(
                .statistics, "values.count", .integer(values.count), expected: "what dim and options need,", needed)
        }
    }
}
