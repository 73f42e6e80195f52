import KernelInterface

/// Rows as the loops want them: compute scalars, at least one vector long.
///
/// Rows of float32 and float64 are used where they are. Rows of 16-bit floats, and rows shorter than one vector, are
/// copied into scratch first, widened and padded with zeros, which change neither norms nor products.
struct Staging<S: ComputeScalar> {
    let rows: Rows
    let isDirect: Bool
    /// Columns the loops run over.
    let columns: Int

    @inline(__always)
    init(_ rows: Rows) {
        self.rows = rows
        isDirect = rows.isDirect
        columns = isDirect ? rows.dim : S.padded(rows.dim)
    }

    /// The row of this number in the batch; it is in `slot`, `columns` scalars, if it had to be copied.
    @inline(__always)
    func row(_ number: Int, slot: UnsafeMutablePointer<S>) -> UnsafePointer<S> {
        if isDirect { return rows.features.assumingMemoryBound(to: S.self) + number &* rows.stride }
        stage(number, slot)
        return UnsafePointer(slot)
    }

    @inline(never)
    private func stage(_ number: Int, _ slot: UnsafeMutablePointer<S>) {
        let start = rows.features + number &* rows.stride &* rows.element.size
        widen(start, rows.element, count: rows.dim, to: slot)
        for column in rows.dim..<columns { slot[column] = 0 }
    }

    /// Writes a staged gradient row to where the caller wants it.
    @inline(never)
    func unstage(_ slot: UnsafeMutablePointer<S>, to target: UnsafeMutableRawPointer, accumulate: Bool) {
        if accumulate {
            let before = slot + columns
            widen(UnsafeRawPointer(target), rows.element, count: rows.dim, to: before)
            for i in 0..<rows.dim { slot[i] += before[i] }
        }
        narrow(slot, count: rows.dim, to: target, rows.element)
    }
}
