package mobilesr

import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.File

/** Reads cases from a file, writes the upscaled pictures of each to another. */
fun main(args: Array<String>) {
    val cases = DataInputStream(File(args[0]).inputStream().buffered())
    val answers = DataOutputStream(File(args[1]).outputStream().buffered())
    repeat(cases.readInt()) {
        val (height, width, tileHeight, tileWidth, window, scale) = List(6) { cases.readInt() }
        val background = cases.readInt()
        val pixels = IntArray(height * width) { cases.readInt() }
        val result = IntArray(scale * scale * height * width)
        val source = object : PixelSource {
            override val width = width
            override val height = height
            override fun readRow(y: Int, x: Int, count: Int, into: IntArray) {
                pixels.copyInto(into, 0, y * width + x, y * width + x + count)
            }
        }
        val sink = object : PixelSink {
            override fun writeRows(y: Int, rows: Int, pixels: IntArray) {
                pixels.copyInto(result, y * scale * width, 0, rows * scale * width)
            }
        }
        val told = ArrayList<Int>()
        val progress = object : TileProgress {
            override fun onTile(done: Int, total: Int) {
                told.add(done)
                told.add(total)
            }
        }
        val tiling = Tiling(tileHeight, tileWidth, window, scale)
        val model = StandIn(tileHeight, tileWidth, scale)
        tiling.upscale(source, sink, background, model, progress)
        val count = tiling.count(height, width)
        check(told == (1..count).flatMap { listOf(it, count) }) { "told $told of $count tiles" }
        result.forEach(answers::writeInt)
    }
    answers.close()
}

private operator fun <T> List<T>.component6(): T = get(5)
