import CPullPush
import KernelInterface
import PullPush

extension Batch {
    /// `pullpush_batch`, with its pointers and sizes checked; `Batch.validate` checks the rest.
    init(_ pointer: UnsafePointer<pullpush_batch>?) throws(PullPushError) {
        let c = try versioned(
            required(pointer, "batch"), "batch.struct_size", defaults: pullpush_batch(),
            smallest: SmallestSize.batch)
        guard let element = ElementType(rawValue: c.dtype) else {
            throw PullPushError(.dtype, "dtype", .integer(Int(c.dtype)), expected: "one of PULLPUSH_DTYPE_*")
        }
        if c.reserved != 0 {
            throw PullPushError(.option, "batch.reserved", .integer(Int(c.reserved)), expected: "0")
        }
        let dim = try size(c.dim, "dim")
        let rowStride = try size(c.row_stride, "row_stride")
        let samplesPerId = try size(c.samples_per_id, "samples_per_id")
        if c.labels != nil && samplesPerId != 0 {
            throw PullPushError(
                .size, "samples_per_id", .integer(samplesPerId), expected: "0 when labels are given")
        }
        self.init(
            features: try required(c.features, "features"), element: element, rows: try size(c.rows, "rows"), dim: dim,
            rowStride: rowStride == 0 ? dim : rowStride,
            identities: c.labels.map { .labels($0) } ?? .samplesPerId(samplesPerId))
    }
}

/// The gradient argument of a call; nil when no gradient is wanted.
func gradientTarget(
    _ gradient: UnsafeMutableRawPointer?, _ stride: Int, _ options: Options, dim: Int, apartFrom output: Range<UInt>
) throws(PullPushError) -> GradientTarget? {
    let stride = try size(stride, "gradient_stride")
    guard let start = gradient else { return nil }
    return GradientTarget(
        start: start, rowStride: stride == 0 ? dim : stride, upstream: options.upstream,
        accumulate: options.accumulate, otherOutput: output)
}

/// The caller's result struct, of which an older caller has only the first fields.
struct ResultTarget {
    private let pointer: UnsafeMutablePointer<pullpush_result>
    private let size: Int

    init(_ pointer: UnsafeMutablePointer<pullpush_result>?) throws(PullPushError) {
        let pointer = try required(pointer, "result")
        // The fields are outputs: only the size is read, and any room beyond the known fields stays as it is.
        try checkAlignment(UnsafeRawPointer(pointer), MemoryLayout<pullpush_result>.alignment, "result")
        let given = UnsafeRawPointer(pointer).load(as: Int.self)
        if given < SmallestSize.result || given > 65536 {
            throw PullPushError(
                .structSize, "result.struct_size", .integer(given), expected: "sizeof(pullpush_result), at least",
                SmallestSize.result)
        }
        self.pointer = pointer
        size = given
    }

    var bytes: Range<UInt> { UInt(bitPattern: pointer)..<UInt(bitPattern: pointer) + UInt(size) }

    func write(_ result: LossResult) {
        var full = pullpush_result(
            struct_size: size, loss: result.loss, pull: result.pull, push: result.push,
            mean_positive: result.meanPositive, mean_negative: result.meanNegative,
            positive_pairs: UInt64(result.positivePairs), negative_pairs: UInt64(result.negativePairs),
            active_pairs: UInt64(result.activePairs))
        UnsafeMutableRawPointer(pointer).copyMemory(
            from: &full,
            byteCount: knownBytes(of: size, smallest: SmallestSize.result, MemoryLayout.size(ofValue: full)))
    }
}

@_cdecl("pullpush_evaluate") @implementation
public func pullpush_evaluate(
    _ batch: UnsafePointer<pullpush_batch>!, _ options: UnsafePointer<pullpush_options>!,
    _ result: UnsafeMutablePointer<pullpush_result>!, _ gradient: UnsafeMutableRawPointer!, _ gradient_stride: Int,
    _ message: UnsafeMutablePointer<CChar>!, _ message_size: Int
) -> Int32 {
    status(message, message_size) { () throws(PullPushError) in
        let options = try Options(options)
        let batch = try Batch(batch)
        let result = try ResultTarget(result)
        let target = try gradientTarget(
            gradient, gradient_stride, options, dim: batch.dim, apartFrom: result.bytes)
        result.write(try options.loss.evaluate(batch, target))
    }
}

@_cdecl("pullpush_loss_f32") @implementation
public func pullpush_loss_f32(
    _ features: UnsafePointer<Float>!, _ rows: Int, _ dim: Int, _ samples_per_id: Int,
    _ loss: UnsafeMutablePointer<Double>!, _ gradient: UnsafeMutablePointer<Float>!
) -> Int32 {
    plainLoss(features, .float32, rows, dim, samples_per_id, loss, gradient)
}

@_cdecl("pullpush_loss_f64") @implementation
public func pullpush_loss_f64(
    _ features: UnsafePointer<Double>!, _ rows: Int, _ dim: Int, _ samples_per_id: Int,
    _ loss: UnsafeMutablePointer<Double>!, _ gradient: UnsafeMutablePointer<Double>!
) -> Int32 {
    plainLoss(features, .float64, rows, dim, samples_per_id, loss, gradient)
}

private func plainLoss(
    _ features: UnsafeRawPointer?, _ element: ElementType, _ rows: Int, _ dim: Int, _ samplesPerId: Int,
    _ loss: UnsafeMutablePointer<Double>?, _ gradient: UnsafeMutableRawPointer?
) -> Int32 {
    status { () throws(PullPushError) in
        let loss = try required(loss, "loss")
        try checkAlignment(UnsafeRawPointer(loss), MemoryLayout<Double>.alignment, "loss")
        let dim = try size(dim, "dim")
        let batch = Batch(
            features: try required(features, "features"), element: element, rows: try size(rows, "rows"), dim: dim,
            rowStride: dim, identities: .samplesPerId(try size(samplesPerId, "samples_per_id")))
        var options = try Options(nil)
        options.loss.normalize = .none
        let lossBytes = UInt(bitPattern: loss)..<UInt(bitPattern: loss) + UInt(MemoryLayout<Double>.size)
        let target = try gradientTarget(gradient, 0, options, dim: dim, apartFrom: lossBytes)
        loss.pointee = try options.loss.evaluate(batch, target, wantsMeans: false).loss
    }
}
