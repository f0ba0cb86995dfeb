--[[
LeNet, written for Torch7, learns handwritten digits.

Reads MNIST's four `.gz` files from DATA_DIR; writes the model and `evaluation.json` into RESULT_DIR.
--]]

require "torch"
require "nn"
require "optim"

-- Written into a pipe, a line would else be held back until many follow it.
io.stdout:setvbuf("line")

local function arguments()
   local line = torch.CmdLine()
   line:option("--examples", 10000, "how many to learn from")
   line:option("--epochs", 2, "how often to see each of them")
   line:option("--batch", 50, "how many at a time")
   line:option("--rate", 0.2, "the learning rate")
   return line:parse(arg)
end

-- A path below the folder that an environment variable names.
local function within(variable, name)
   local folder = assert(os.getenv(variable), variable .. " is not set")
   return folder .. "/" .. name
end

-- The bytes of an idx file, as a tensor of its shape: two zeros, the type, the number of dimensions, the dimensions,
-- the items. Torch itself reads no gzip; a file that is not there ends the program at the first number.
local function idx(name)
   local path = within("DATA_DIR", name .. "-ubyte.gz")
   local file = torch.PipeFile(("gzip -dc '%s'"):format(path), "r"):binary():bigEndianEncoding()
   local dimensions = file:readInt() % 256
   local shape, size = {}, 1
   for at = 1, dimensions do
      shape[at] = file:readInt()
      size = size * shape[at]
   end
   local items = torch.ByteTensor(file:readByte(size))
   file:close()
   return items:resize(torch.LongStorage(shape))
end

-- Up to `most` images, each one plane of 28 x 28 pixels from 0 to 1, and what they show: classes count from 1 in Lua.
local function digits(part, most)
   local images, labels = idx(part .. "-images-idx3"), idx(part .. "-labels-idx1")
   local count = math.min(most or images:size(1), images:size(1))
   local pixels = images:narrow(1, 1, count):float():div(255)
   return pixels:resize(count, 1, images:size(2), images:size(3)), labels:narrow(1, 1, count):long():add(1)
end

local function lenet()
   local model = nn.Sequential()
   model:add(nn.SpatialConvolution(1, 16, 5, 5)) -- 24 x 24
   model:add(nn.ReLU())
   model:add(nn.SpatialMaxPooling(2, 2, 2, 2)) -- 12 x 12
   model:add(nn.SpatialConvolution(16, 32, 5, 5)) -- 8 x 8
   model:add(nn.ReLU())
   model:add(nn.SpatialMaxPooling(2, 2, 2, 2)) -- 4 x 4
   -- Three dimensions an image, so that a batch of one is a batch as well.
   model:add(nn.View(32 * 4 * 4):setNumInputDims(3))
   model:add(nn.Linear(32 * 4 * 4, 128))
   model:add(nn.ReLU())
   model:add(nn.Linear(128, 10))
   model:add(nn.LogSoftMax())
   return model
end

local function train(model, images, labels, options)
   local criterion = nn.ClassNLLCriterion()
   local weights, slopes = model:getParameters()
   local state = { learningRate = options.rate, momentum = 0.9 }
   local count = images:size(1)
   model:training()
   for epoch = 1, options.epochs do
      local order, loss = torch.randperm(count):long(), 0
      for from = 1, count, options.batch do
         local chosen = order:narrow(1, from, math.min(options.batch, count - from + 1))
         local some, answers = images:index(1, chosen), labels:index(1, chosen)
         local function slope()
            slopes:zero()
            local scores = model:forward(some)
            loss = criterion:forward(scores, answers)
            model:backward(some, criterion:backward(scores, answers))
            return loss, slopes
         end
         optim.sgd(slope, weights, state)
      end
      print(("epoch %d of %d: loss %.4f"):format(epoch, options.epochs, loss))
   end
end

-- The part of the images that the model reads right.
local function measure(model, images, labels)
   local right, count = 0, images:size(1)
   model:evaluate()
   for from = 1, count, 500 do
      local size = math.min(500, count - from + 1)
      local _, guesses = model:forward(images:narrow(1, from, size)):max(2)
      right = right + guesses:select(2, 1):eq(labels:narrow(1, from, size)):sum()
   end
   return right / count
end

local function main(options)
   -- Torch7 has no number of its own: the Lua below it tells installations apart.
   local lua = jit and jit.version or _VERSION
   print(("torch7 on %s, with %d threads"):format(lua, torch.getnumthreads()))
   torch.setdefaulttensortype("torch.FloatTensor")
   torch.manualSeed(1)

   local model = lenet()
   local images, labels = digits("train", options.examples)
   train(model, images, labels, options)
   local accuracy = measure(model, digits("t10k"))

   -- Without what the last batch left in its layers, a model is a tenth of the size.
   model:clearState()
   torch.save(within("RESULT_DIR", "model.t7"), model)
   local evaluation = assert(io.open(within("RESULT_DIR", "evaluation.json"), "w"))
   evaluation:write(
      ('{\n  "framework": "torch7",\n  "version": "%s",\n  "test_accuracy": %.4f\n}\n'):format(lua, accuracy)
   )
   evaluation:close()
   print(("test accuracy: %.4f"):format(accuracy))
end

main(arguments())
