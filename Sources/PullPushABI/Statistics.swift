import CPullPush
import PullPush

/// The vector of statistics of a call, whose length must be exactly what these options ask for.
private func statisticsVector<T>(
    _ pointer: T?, _ name: StaticString, _ count: Int, _ options: Options, _ batch: Batch
) throws(PullPushError) -> T {
    let needed = try options.loss.statisticsCount(dim: batch.dim)
    if count != needed {
        throw PullPushError(
            .statistics, "count", .integer(count), expected: "pullpush_statistics_size for this dim and options,",
            needed)
    }
    return try required(pointer, name)
}

private func doubles(_ pointer: UnsafePointer<Double>, _ count: Int) -> Range<UInt> {
    UInt(bitPattern: pointer)..<UInt(bitPattern: pointer) &+ UInt(bitPattern: count &* MemoryLayout<Double>.size)
}

@_cdecl("pullpush_statistics_size") @implementation
public func pullpush_statistics_size(
    _ dim: Int, _ options: UnsafePointer<pullpush_options>!, _ count: UnsafeMutablePointer<Int>!
) -> Int32 {
    status { () throws(PullPushError) in
        let count = try required(count, "count")
        try checkAlignment(UnsafeRawPointer(count), MemoryLayout<Int>.alignment, "count")
        count.pointee = try Options(options).loss.statisticsCount(dim: try size(dim, "dim"))
    }
}

@_cdecl("pullpush_statistics_accumulate") @implementation
public func pullpush_statistics_accumulate(
    _ batch: UnsafePointer<pullpush_batch>!, _ options: UnsafePointer<pullpush_options>!,
    _ statistics: UnsafeMutablePointer<Double>!, _ count: Int, _ message: UnsafeMutablePointer<CChar>!,
    _ message_size: Int
) -> Int32 {
    status(message, message_size) { () throws(PullPushError) in
        let options = try Options(options)
        let batch = try Batch(batch)
        let vector = try statisticsVector(statistics, "statistics", count, options, batch)
        try checkAlignment(UnsafeRawPointer(vector), MemoryLayout<Double>.alignment, "statistics")
        try options.loss.accumulate(batch, into: vector)
    }
}

@_cdecl("pullpush_statistics_reduce") @implementation
public func pullpush_statistics_reduce(
    _ total: UnsafeMutablePointer<Double>!, _ part: UnsafePointer<Double>!, _ count: Int
) -> Int32 {
    status { () throws(PullPushError) in
        let total = try required(total, "total")
        let part = try required(part, "part")
        let count = try size(count, "count")
        if count > Int.max / MemoryLayout<Double>.stride {
            throw PullPushError(.size, "count", .integer(count), expected: "so many doubles as fit into memory")
        }
        try checkAlignment(UnsafeRawPointer(total), MemoryLayout<Double>.alignment, "total")
        try checkAlignment(UnsafeRawPointer(part), MemoryLayout<Double>.alignment, "part")
        for i in 0..<count { total[i] += part[i] }
    }
}

@_cdecl("pullpush_statistics_finish") @implementation
public func pullpush_statistics_finish(
    _ batch: UnsafePointer<pullpush_batch>!, _ options: UnsafePointer<pullpush_options>!,
    _ total: UnsafePointer<Double>!, _ count: Int, _ result: UnsafeMutablePointer<pullpush_result>!,
    _ gradient: UnsafeMutableRawPointer!, _ gradient_stride: Int, _ message: UnsafeMutablePointer<CChar>!,
    _ message_size: Int
) -> Int32 {
    status(message, message_size) { () throws(PullPushError) in
        let options = try Options(options)
        let batch = try Batch(batch)
        let vector = try statisticsVector(total, "total", count, options, batch)
        try checkAlignment(UnsafeRawPointer(vector), MemoryLayout<Double>.alignment, "total")
        let result = try ResultTarget(result)
        let target = try gradientTarget(
            gradient, gradient_stride, options, dim: batch.dim, apartFrom: result.bytes)
        if let target {
            // The extent of the gradient means something only after the sizes have been checked.
            try batch.validate()
            try target.validate(for: batch)
            try checkOverlap(target.bytes(for: batch), doubles(vector, count), "a buffer apart from total")
        }
        result.write(try options.loss.finish(batch, vector, target))
    }
}
