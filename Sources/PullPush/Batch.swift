import KernelInterface

/// A batch as the caller describes it.
package struct Batch {
    /// How the rows fall into identities.
    package enum Identities {
        /// Identity after identity, so many rows each.
        case samplesPerId(Int)
        /// One label a row, in any order.
        case labels(UnsafePointer<Int64>)
    }

    package var features: UnsafeRawPointer
    package var element: ElementType
    package var rows: Int
    package var dim: Int
    /// Elements from one row to the next.
    package var rowStride: Int
    package var identities: Identities

    package init(
        features: UnsafeRawPointer, element: ElementType, rows: Int, dim: Int, rowStride: Int, identities: Identities
    ) {
        self.features = features
        self.element = element
        self.rows = rows
        self.dim = dim
        self.rowStride = rowStride
        self.identities = identities
    }

    /// Its square still is an `Int`: pairs can be counted. So are the bytes of as many labels.
    private static var mostRows: Int { 3_037_000_499 }

    package func validate() throws(PullPushError) {
        if rows < 1 { throw PullPushError(.size, "rows", .integer(rows), expected: "at least 1") }
        if rows > Self.mostRows {
            throw PullPushError(.size, "rows", .integer(rows), expected: "at most", Self.mostRows)
        }
        if dim < 1 { throw PullPushError(.size, "dim", .integer(dim), expected: "at least 1") }
        if case .samplesPerId(let count) = identities {
            if count < 1 {
                throw PullPushError(.size, "samples_per_id", .integer(count), expected: "at least 1, or labels")
            }
            if rows % count != 0 {
                throw PullPushError(.size, "rows", .integer(rows), expected: "a multiple of samples_per_id,", count)
            }
        }
        try checkStride(rowStride, "row_stride")
        try checkAlignment(features, element.size, "features")
        if case .labels(let labels) = identities {
            try checkAlignment(UnsafeRawPointer(labels), MemoryLayout<Int64>.alignment, "labels")
        }
    }

    func checkStride(_ stride: Int, _ name: StaticString) throws(PullPushError) {
        if stride < dim {
            throw PullPushError(.stride, name, .integer(stride), expected: "0 or at least dim,", dim)
        }
        let (elements, overflow) = stride.multipliedReportingOverflow(by: rows)
        if overflow || elements.multipliedReportingOverflow(by: element.size).overflow {
            throw PullPushError(
                .size, "rows", .integer(rows), expected: "rows of this many elements that fit into memory:", stride)
        }
    }

    /// The bytes of a matrix of this batch's shape. The last row ends with its last element.
    func bytes(at start: UnsafeRawPointer, stride: Int) -> Range<UInt> {
        let first = UInt(bitPattern: start)
        return first..<first &+ UInt(bitPattern: ((rows &- 1) &* stride &+ dim) &* element.size)
    }
}

/// Where the gradient goes.
package struct GradientTarget {
    package var start: UnsafeMutableRawPointer
    /// Elements from one row to the next.
    package var rowStride: Int
    /// The gradient is that of `upstream · loss`.
    package var upstream: Double
    /// Add to what is there.
    package var accumulate: Bool
    /// The bytes of another output.
    package var otherOutput: Range<UInt>

    package init(
        start: UnsafeMutableRawPointer, rowStride: Int, upstream: Double, accumulate: Bool,
        otherOutput: Range<UInt> = 0..<0
    ) {
        self.start = start
        self.rowStride = rowStride
        self.upstream = upstream
        self.accumulate = accumulate
        self.otherOutput = otherOutput
    }

    package func bytes(for batch: Batch) -> Range<UInt> {
        batch.bytes(at: UnsafeRawPointer(start), stride: rowStride)
    }

    package func validate(for batch: Batch) throws(PullPushError) {
        try batch.checkStride(rowStride, "gradient_stride")
        try checkAlignment(UnsafeRawPointer(start), batch.element.size, "gradient")
        try requireFinite(upstream, "upstream")
        let bytes = bytes(for: batch)
        try checkOverlap(
            bytes, batch.bytes(at: batch.features, stride: batch.rowStride), "a buffer apart from features")
        if case .labels(let labels) = batch.identities {
            let first = UInt(bitPattern: labels)
            try checkOverlap(
                bytes, first..<first &+ UInt(bitPattern: batch.rows &* MemoryLayout<Int64>.size),
                "a buffer apart from labels")
        }
        try checkOverlap(bytes, otherOutput, "a buffer apart from the other outputs")
    }
}

/// The gradient's bytes must not touch the others.
package func checkOverlap(
    _ gradient: Range<UInt>, _ other: Range<UInt>, _ expectation: StaticString
) throws(PullPushError) {
    if gradient.overlaps(other) {
        throw PullPushError(.overlap, "gradient", .unspecified, expected: expectation)
    }
}

package func checkAlignment(_ pointer: UnsafeRawPointer, _ alignment: Int, _ name: StaticString) throws(PullPushError) {
    if UInt(bitPattern: pointer) & UInt(alignment - 1) != 0 {
        throw PullPushError(.alignment, name, .unspecified, expected: "an address that is a multiple of", alignment)
    }
}
